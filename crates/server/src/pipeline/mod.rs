//! A request's whole life: admit, read, plan, call, relay; settled when its [`Exchange`] is dropped.

pub(crate) mod body;
mod call;
mod choices;
mod exchange;
mod first;
mod journey;
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
pub(crate) use call::Wishes;
pub(crate) use exchange::{Ended, Exchange};
pub(crate) use journey::{Asked, Journey};
pub(crate) use plan::{Operation, Outlet, Plan, malformed, named_model};
pub(crate) use reply::{is_event_stream, streamed};

use crate::app::{App, wants_agent_events};
use crate::cache;
use crate::clouds;
use crate::context::Context;
use crate::error;
use crate::ledger::Payer;
use crate::limits;
use crate::relay::Events;
use crate::reply_headers;
use crate::responses::{self, Background, Wanted};
use crate::upstreams::Outcome;

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
    exchange.payer = Payer::of(&context.caller);
    let mut limited = limits::enter(&app, &context, &mut exchange).await;
    let mut response = match prepare(&app, operation, &parts, body, &mut exchange, &mut limited).await {
        Ok(Prepared::Asked(journey)) => cache::serve(app, *journey, exchange).await,
        Ok(Prepared::Queued(later)) => {
            let Later { wanted, background, journey, headers } = *later;
            responses::start(app, wanted, background, journey, headers, exchange).await
        }
        Err(failure) => failed(failure, exchange),
    };
    limited.tell(response.headers_mut());
    response
}

/// A request that was read and planned.
enum Prepared {
    /// Somebody waits for the answer.
    Asked(Box<Journey>),
    /// The answer is made while nobody waits.
    Queued(Box<Later>),
}

struct Later {
    wanted: Wanted,
    background: Background,
    journey: Journey,
    headers: HeaderMap,
}

async fn prepare(
    app: &App,
    operation: Operation,
    parts: &Parts,
    body: Body,
    exchange: &mut Exchange,
    limited: &mut limits::Charge,
) -> Result<Prepared, BackendError> {
    limited.check()?;
    let body = body::read(&parts.headers, body, app.body_bounds()).await?;
    exchange.bytes_in = body.len();
    tracing::debug!(request_id = &*exchange.request_id, body_bytes = body.len(), "body read");
    let (parts, body) = clouds::unwrapped(parts, body)?;
    let parts = &*parts;
    let strict = app.strict(&parts.headers)?;
    let context = Context::of(parts);
    let asked = Asked {
        operation,
        body,
        headers: parts.headers.clone(),
        query: parts.uri.query().map(str::to_owned),
        owner: context.caller.owner(),
        own_key: context.own_key.clone(),
        wishes: Wishes { strict, agent_events: wants_agent_events(&parts.headers)? },
        begun: None,
    };
    let mut journey = Journey::plan(app, asked, &exchange.request_id).await?;
    exchange.follows(&journey);
    let plan = &mut journey.plan;
    tracing::debug!(request_id = &*exchange.request_id, model = plan.served, stream = plan.stream, "planned");
    limited.plan(app, operation, plan, &context, exchange).await?;
    if let Some((wanted, background)) = plan.take_background() {
        let headers = reply_headers::of_plan(plan);
        journey.nobody_reads_along();
        return Ok(Prepared::Queued(Box::new(Later { wanted, background, journey, headers })));
    }
    Ok(Prepared::Asked(Box::new(journey)))
}

/// Asks the backends, and makes the response of what comes.
pub(crate) async fn answer(app: Arc<App>, journey: Journey, mut exchange: Exchange) -> Response {
    let called = call(&app, journey, &mut exchange).await;
    let reached = exchange.reached();
    let mut response = match called {
        Ok((plan, replies)) => choices::respond(replies, plan, exchange).await,
        Err(failure) => failed(failure, exchange),
    };
    if let Some((backend, attempts)) = reached {
        reply_headers::tell_who(response.headers_mut(), &backend, attempts);
    }
    response
}

async fn call(
    app: &App,
    mut journey: Journey,
    exchange: &mut Exchange,
) -> Result<(Plan, Vec<Reply>), BackendError> {
    exchange.calling();
    let replies = tokio::select! {
        replies = journey.send(app, exchange) => replies,
        () = app.drain.cut.cancelled() => return Err(stopping().into()),
    };
    let plan = journey.plan;
    let mut replies = replies.map_err(|failure| plan.in_callers_terms(failure))?;
    for reply in &mut replies {
        reply.ignored = plan.names_of_the_caller(std::mem::take(&mut reply.ignored));
    }
    let status = replies.first().map(|reply| reply.status.as_u16());
    tracing::debug!(request_id = &*exchange.request_id, status, "backend answered");
    Ok((plan, replies))
}

fn failed(failure: BackendError, mut exchange: Exchange) -> Response {
    exchange.failed(failure.detail);
    error::finish(exchange, &failure.error, HeaderMap::new())
}

/// Sends a request whose answer is to come as events, whatever the backend.
pub(crate) async fn send_for_events(
    app: &App,
    mut journey: Journey,
    exchange: &mut Exchange,
) -> Result<Events, BackendError> {
    let events = async {
        let reply = journey.send(app, exchange).await?.pop();
        reply::events(reply.ok_or_else(|| not_an_answer(&"no reply"))?, exchange).await
    };
    events.await.map_err(|failure| {
        if failure.error.status < 500 {
            // It says something about the request, nothing against the backend.
            exchange.attempt_over(Outcome::Served);
        }
        journey.plan.in_callers_terms(failure)
    })
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
            Self::Responses => "responses",
            Self::InputTokens => "input_tokens",
        }
    }
}
