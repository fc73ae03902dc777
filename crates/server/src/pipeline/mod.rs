//! A request's whole life: admit, read, plan, call, relay; settled when its [`Exchange`] is dropped.

pub(crate) mod body;
mod call;
mod choices;
mod exchange;
mod plan;
mod reply;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use backends::{BackendError, Reply};
use http::HeaderMap;
use http::request::Parts;
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
        Ok((plan, replies)) => choices::respond(replies, plan, exchange).await,
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
) -> Result<(Plan, Vec<Reply>), BackendError> {
    limited.check()?;
    let body = body::read(&parts.headers, body, app.body_bounds()).await?;
    tracing::debug!(request_id = &*exchange.request_id, body_bytes = body.len(), "body read");
    let strict = app.strict(&parts.headers)?;
    let agent_events = wants_agent_events(&parts.headers)?;
    let owner = Context::of(parts).caller.owner();
    let plan = Plan::new(app, operation, body, strict, owner)?;
    exchange.asked_model.clone_from(&plan.asked);
    exchange.served_model.clone_from(&plan.served);
    tracing::debug!(request_id = &*exchange.request_id, model = plan.served, stream = plan.stream, "planned");
    exchange.calling();
    let wishes = call::Wishes { strict, agent_events };
    let replies = tokio::select! {
        replies = call::send(app, operation, parts, &plan, wishes) => replies,
        () = app.drain.cut.cancelled() => return Err(stopping().into()),
    };
    let mut replies = replies.map_err(|failure| plan.in_callers_terms(failure))?;
    for reply in &mut replies {
        reply.ignored = plan.names_of_the_caller(std::mem::take(&mut reply.ignored));
    }
    let status = replies.first().map(|reply| reply.status.as_u16());
    tracing::debug!(request_id = &*exchange.request_id, status, "backend answered");
    Ok((plan, replies))
}

/// Told to those who are still waiting or reading when the server's patience ends.
pub(crate) fn stopping() -> ApiError {
    ApiError::new(ErrorKind::Overloaded, "The server is shutting down; send the request again.")
        .with_status(503)
}

/// The backend's answer can't be read.
pub(crate) fn not_an_answer(error: &dyn std::fmt::Display) -> BackendError {
    let told =
        ApiError::new(ErrorKind::Api, "The backend's answer is not a Messages API answer.").with_status(502);
    BackendError { error: told, detail: format!("unreadable answer: {error}") }
}

impl Operation {
    /// As logs name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
        }
    }
}
