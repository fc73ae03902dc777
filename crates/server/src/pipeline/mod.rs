//! A request's whole life: admit, read, plan, call, relay; settled when its [`Exchange`] is dropped.

pub(crate) mod body;
mod exchange;
mod plan;
mod reply;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use backends::{BackendError, Call, Reply};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use messages::{ApiError, ErrorKind};

pub(crate) use body::Bounds;
pub(crate) use exchange::{Ended, Exchange};
pub(crate) use plan::{Operation, Outlet, Plan};

use crate::app::{App, wants_agent_events};
use crate::context::Context;
use crate::error;
use crate::limits;

/// Serves one API request in the dialect of its route.
pub(crate) async fn run(app: Arc<App>, operation: Operation, parts: Parts, body: Body) -> Response {
    let context = Context::of(&parts);
    let (dialect, request_id) = (context.dialect, Arc::clone(&context.request_id));
    let mut exchange = Exchange::open(
        Arc::clone(&app),
        dialect,
        operation.name(),
        Arc::clone(&request_id),
        context.caller.to_string(),
        context.arrived,
    );
    let limited = limits::charge(&app, &context);
    let mut response = match serve(&app, operation, &parts, body, &mut exchange, &limited).await {
        Ok((plan, reply)) => reply::respond(reply, plan, exchange).await,
        Err(failure) => {
            exchange.failed(failure.detail);
            error::finish(exchange, &failure.error, HeaderMap::new())
        }
    };
    limited.tell(response.headers_mut());
    response
}

async fn serve(
    app: &App,
    operation: Operation,
    parts: &Parts,
    body: Body,
    exchange: &mut Exchange,
    limited: &limits::Charge,
) -> Result<(Plan, Reply), BackendError> {
    limited.check()?;
    let body = body::read(&parts.headers, body, app.body_bounds()).await?;
    tracing::debug!(request_id = &*exchange.request_id, body_bytes = body.len(), "body read");
    let strict = app.strict(&parts.headers)?;
    let agent_events = wants_agent_events(&parts.headers)?;
    let plan = Plan::new(app, operation, body, strict)?;
    exchange.asked_model.clone_from(&plan.asked);
    exchange.served_model.clone_from(&plan.served);
    tracing::debug!(request_id = &*exchange.request_id, model = plan.served, stream = plan.stream, "planned");
    exchange.calling();
    let call = call(parts, &plan, strict, agent_events);
    let mut reply = tokio::select! {
        reply = async { match operation {
            Operation::CountTokens => app.backend.count_tokens(call).await,
            Operation::Messages | Operation::ChatCompletions => app.backend.send(call).await,
        } } => reply.map_err(|failure| plan.in_callers_terms(failure))?,
        () = app.drain.cut.cancelled() => return Err(stopping().into()),
    };
    reply.ignored = plan.names_of_the_caller(reply.ignored);
    tracing::debug!(request_id = &*exchange.request_id, status = reply.status.as_u16(), "backend answered");
    Ok((plan, reply))
}

/// What the backend gets. In the Anthropic dialect that is all the caller sent; what we translated is our own request,
/// to which only the caller's `anthropic-*` headers belong.
fn call(parts: &Parts, plan: &Plan, strict: bool, agent_events: bool) -> Call {
    let (headers, query) = match plan.outlet {
        Outlet::Anthropic => (parts.headers.clone(), parts.uri.query().map(str::to_owned)),
        Outlet::Chat { .. } => (anthropic_headers(&parts.headers), None),
    };
    let owner = Context::of(parts).caller.owner();
    let (body, model) = (plan.body.clone(), plan.served.clone());
    Call { body, model, stream: plan.stream, query, headers, owner, strict, agent_events }
}

fn anthropic_headers(headers: &HeaderMap) -> HeaderMap {
    let ours = headers.iter().filter(|(name, _)| name.as_str() == "anthropic-beta");
    let mut kept: HeaderMap = ours.map(|(name, value)| (name.clone(), value.clone())).collect();
    kept.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    kept
}

/// Told to those who are still waiting or reading when the server's patience ends.
pub(crate) fn stopping() -> ApiError {
    ApiError::new(ErrorKind::Overloaded, "The server is shutting down; send the request again.")
        .with_status(503)
}

impl Operation {
    /// As logs name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::ChatCompletions => "chat_completions",
        }
    }
}
