//! Calls the backend: once, or once for each choice; and once more without a sampling parameter that the model turned
//! out to refuse.

use backends::{BackendError, Call, Reply, ReplyBody};
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{TryStreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use messages::ApiError;

use super::journey::Asked;
use super::{Operation, Plan, not_an_answer, reply};
use crate::app::App;
use crate::learned;
use crate::upstreams::Aim;

/// Longer error bodies say nothing about a parameter.
const MAX_REFUSAL_BYTES: usize = 1 << 20;

/// What the caller wants of the backend beside the answer.
#[derive(Clone, Copy)]
pub(crate) struct Wishes {
    pub(crate) strict: bool,
    pub(crate) agent_events: bool,
}

/// The replies of a target's backend, one for each choice.
pub(super) async fn send(
    app: &App,
    aim: &Aim,
    asked: &Asked,
    plan: &Plan,
) -> Result<Vec<Reply>, BackendError> {
    let backend = &aim.upstream.backend;
    let whole = || call(asked, plan, plan.body.clone());
    match asked.operation {
        Operation::CountTokens | Operation::InputTokens => Ok(vec![backend.count_tokens(whole()).await?]),
        Operation::Messages => Ok(vec![backend.send(whole()).await?]),
        Operation::Responses => Ok(vec![translated(app, aim, asked, plan, plan.body.clone()).await?]),
        Operation::ChatCompletions | Operation::Completions => {
            let bodies = std::iter::once(&plan.body).chain(&plan.further);
            try_join_all(bodies.map(|body| choice(app, aim, asked, plan, body.clone()))).await
        }
    }
}

/// The reply for one choice. A turn of the program is read to its end at once where the whole answer is wanted: the
/// other choices may be waiting for its place.
async fn choice(
    app: &App,
    aim: &Aim,
    asked: &Asked,
    plan: &Plan,
    body: Bytes,
) -> Result<Reply, BackendError> {
    let reply = translated(app, aim, asked, plan, body).await?;
    match reply.body {
        ReplyBody::Events(events) if !plan.stream && !plan.further.is_empty() => {
            let events: Vec<_> = events.try_collect().await?;
            let events = stream::iter(events.into_iter().map(Ok));
            Ok(Reply { body: ReplyBody::Events(Box::pin(events)), ..reply })
        }
        body => Ok(Reply { body, ..reply }),
    }
}

/// Sends a request of our own making. It is sent again only without a sampling parameter that the API refused.
async fn translated(
    app: &App,
    aim: &Aim,
    asked: &Asked,
    plan: &Plan,
    mut body: Bytes,
) -> Result<Reply, BackendError> {
    let mut dropped: Vec<String> = Vec::new();
    loop {
        let answered = aim.upstream.backend.send(call(asked, plan, body.clone())).await;
        let (answered, error) = with_refusal(answered).await;
        // In strict mode it is the caller's to leave it out.
        let error = error.filter(|_| !asked.wishes.strict);
        let Some(field) = error.and_then(|error| app.refusals.learn(&plan.served, &body, &error)) else {
            let mut reply = answered?;
            reply.ignored.append(&mut dropped);
            return Ok(reply);
        };
        tracing::info!(
            model = plan.served,
            parameter = field,
            "the model refuses a parameter: it is left out"
        );
        body = learned::without(&body, &[field]).map_err(|error| not_an_answer(&error))?;
        dropped.push(field.to_owned());
    }
}

/// What came back, and where it is a refusal, what that says.
async fn with_refusal(
    answered: Result<Reply, BackendError>,
) -> (Result<Reply, BackendError>, Option<ApiError>) {
    let reply = match answered {
        Ok(reply) if reply.status == StatusCode::BAD_REQUEST => reply,
        Ok(reply) => return (Ok(reply), None),
        Err(failure) => {
            let error = failure.error.clone();
            return (Err(failure), Some(error));
        }
    };
    let Reply { status, headers, body, ignored, cost } = reply;
    let json = match body {
        ReplyBody::Bytes(body) => match reply::collect_up_to(body, MAX_REFUSAL_BYTES).await {
            Ok(json) => json,
            Err(failure) => return (Err(failure), None),
        },
        ReplyBody::Json(json) => json,
        body @ ReplyBody::Events(_) => return (Ok(Reply { status, headers, body, ignored, cost }), None),
    };
    let error = dialects::openai_chat::error_from_upstream(status.as_u16(), &json);
    (Ok(Reply { status, headers, body: ReplyBody::Json(json), ignored, cost }), Some(error))
}

/// What the backend gets. In the Anthropic dialect that is all the caller sent; what we translated is our own request,
/// to which only the caller's `anthropic-*` headers belong.
fn call(asked: &Asked, plan: &Plan, body: Bytes) -> Call {
    let Wishes { strict, agent_events } = asked.wishes;
    let (query, headers) = match asked.operation {
        Operation::Messages | Operation::CountTokens => (asked.query.clone(), asked.headers.clone()),
        _ => (None, anthropic_headers(&asked.headers, &plan.betas)),
    };
    let (model, owner, own_key) = (plan.served.clone(), asked.owner.clone(), asked.own_key.clone());
    Call { body, model, stream: plan.stream, query, headers, owner, own_key, strict, agent_events }
}

fn anthropic_headers(headers: &HeaderMap, needed: &[&'static str]) -> HeaderMap {
    let mut kept = HeaderMap::new();
    if let Some(betas) = betas(headers, needed).and_then(|betas| HeaderValue::try_from(betas).ok()) {
        kept.insert("anthropic-beta", betas);
    }
    kept.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    kept
}

/// One `anthropic-beta` with what the caller names and what the translation needs.
pub(super) fn betas(headers: &HeaderMap, needed: &[&'static str]) -> Option<String> {
    let named = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    let all = named.chain(needed.iter().copied()).collect::<Vec<_>>().join(",");
    Some(all).filter(|all| !all.is_empty())
}
