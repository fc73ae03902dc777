//! Makes the client's response of a backend's reply: relayed as it comes, translated, or folded into one document.

use axum::body::Body;
use axum::response::Response;
use backends::{AGENT_EVENT, BackendError, EventStream, Reply, ReplyBody, UpstreamBody};
use bytes::Bytes;
use dialects::openai_responses;
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use messages::{Accumulator, Meter};
use wire::json::{edit::Edit, peek};

use super::{Ended, Exchange, Outlet, Plan, not_an_answer, stopping};
use crate::error;
use crate::relay::{EventRelay, Events, Sink, VerbatimRelay};
use crate::reply_headers;
use crate::responses::{Wanted, now};

/// A whole answer longer than this is refused: it is held in memory.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A whole answer, and the events that are no part of it.
pub(super) struct Whole {
    json: Bytes,
    beside: Vec<Bytes>,
}

impl From<Bytes> for Whole {
    fn from(json: Bytes) -> Self {
        Self { json, beside: Vec::new() }
    }
}

/// The response, or the error response, for a backend's reply.
pub(super) async fn respond(reply: Reply, plan: Plan, mut exchange: Exchange) -> Response {
    exchange.upstream_request_id =
        reply.headers.get("request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let headers = reply_headers::for_client(&plan, &reply);
    match reply.body {
        ReplyBody::Bytes(body) if !reply.status.is_success() => {
            let body = collect(body, &exchange).await;
            refused(reply.status, headers, body, &plan, exchange)
        }
        ReplyBody::Json(json) if !reply.status.is_success() => {
            refused(reply.status, headers, Ok(json), &plan, exchange)
        }
        ReplyBody::Bytes(body) if is_event_stream(&reply.headers) => relayed(headers, body, plan, exchange),
        ReplyBody::Bytes(body) => {
            let whole = collect(body, &exchange).await;
            answered(whole.map(|whole| vec![whole.into()]), headers, plan, exchange).await
        }
        ReplyBody::Json(json) => answered(Ok(vec![json.into()]), headers, plan, exchange).await,
        ReplyBody::Events(events) if plan.stream => {
            let sink = Sink::new(plan.outlet, &plan.asked, &plan.served);
            streamed(headers, Body::new(EventRelay::new(Events::Turn(events), sink, opened(exchange))))
        }
        ReplyBody::Events(events) => {
            let whole = fold(events, &exchange).await;
            answered(whole.map(|whole| vec![whole]), headers, plan, exchange).await
        }
    }
}

/// The events of a reply that has to have some.
pub(super) async fn events(reply: Reply, exchange: &mut Exchange) -> Result<Events, BackendError> {
    exchange.upstream_request_id =
        reply.headers.get("request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    exchange.costs.extend(reply.cost);
    let refused = |body: &[u8]| BackendError {
        error: dialects::openai_chat::error_from_upstream(reply.status.as_u16(), body),
        detail: format!("upstream answered {}", reply.status),
    };
    match reply.body {
        ReplyBody::Bytes(body) if !reply.status.is_success() => Err(refused(&collect(body, exchange).await?)),
        ReplyBody::Json(body) if !reply.status.is_success() => Err(refused(&body)),
        ReplyBody::Bytes(body) if is_event_stream(&reply.headers) => Ok(Events::sse(body)),
        ReplyBody::Events(events) => Ok(Events::Turn(events)),
        ReplyBody::Bytes(_) | ReplyBody::Json(_) => {
            Err(not_an_answer(&"no stream, although one was asked for"))
        }
    }
}

pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("text/event-stream"))
}

/// Upstream's bytes as a stream: untouched where the dialect and the model's name are the same.
fn relayed(headers: HeaderMap, body: UpstreamBody, plan: Plan, exchange: Exchange) -> Response {
    let exchange = opened(exchange);
    let untouched = matches!(plan.outlet, Outlet::Anthropic) && plan.asked == plan.served;
    if untouched {
        streamed(headers, Body::new(VerbatimRelay::new(body, exchange)))
    } else {
        let sink = Sink::new(plan.outlet, &plan.asked, &plan.served);
        streamed(headers, Body::new(EventRelay::new(Events::sse(body), sink, exchange)))
    }
}

pub(super) fn opened(mut exchange: Exchange) -> Exchange {
    exchange.answered(200);
    exchange.streaming();
    exchange
}

pub(crate) fn streamed(headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Upstream's error: its own bytes for an Anthropic client, translated for others.
fn refused(
    status: StatusCode,
    headers: HeaderMap,
    body: Result<Bytes, BackendError>,
    plan: &Plan,
    mut exchange: Exchange,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(failure) => {
            exchange.failed(failure.detail);
            return error::finish(exchange, &failure.error, headers);
        }
    };
    exchange.failed(format!("upstream answered {status}"));
    match plan.outlet {
        Outlet::Anthropic if exchange.dialect.errors_pass() => whole(status, headers, body, exchange),
        Outlet::Anthropic | Outlet::Chat { .. } | Outlet::Response(_) | Outlet::InputTokens => {
            let error = dialects::openai_chat::error_from_upstream(status.as_u16(), &body);
            error::finish(exchange, &error, headers)
        }
    }
}

/// Whole Messages answers, one for each choice, given in the caller's dialect.
pub(super) async fn answered(
    answers: Result<Vec<Whole>, BackendError>,
    headers: HeaderMap,
    plan: Plan,
    mut exchange: Exchange,
) -> Response {
    let encoded = match answers {
        Ok(wholes) => {
            let (answers, beside): (Vec<_>, Vec<_>) =
                wholes.into_iter().map(|Whole { json, beside }| (json, beside)).unzip();
            exchange.meter = metered(&answers);
            encode(&answers, plan).await.and_then(|answer| with_events(answer, &beside.concat()))
        }
        Err(failure) => Err(failure),
    };
    match encoded {
        Ok(body) => self::whole(StatusCode::OK, headers, body, exchange),
        Err(failure) => {
            exchange.failed(failure.detail);
            error::finish(exchange, &failure.error, headers)
        }
    }
}

fn metered(answers: &[Bytes]) -> Meter {
    let meters: Vec<Meter> = answers
        .iter()
        .map(|json| {
            let mut meter = Meter::default();
            meter.json_answer(json);
            meter
        })
        .collect();
    Meter::together(meters.iter())
}

async fn encode(answers: &[Bytes], plan: Plan) -> Result<Bytes, BackendError> {
    match (plan.outlet, answers) {
        (Outlet::Chat { heading, keeper }, answers) => {
            answers.iter().for_each(|json| keeper.answer(json));
            dialects::openai_chat::encode_answers(answers, &heading).map_err(|error| not_an_answer(&error))
        }
        (Outlet::Anthropic, [json]) if plan.asked == plan.served => Ok(json.clone()),
        (Outlet::Anthropic, [json]) => named_as_asked(json, &plan.asked),
        (Outlet::Response(wanted), [json]) => respond_with(json, *wanted).await,
        (Outlet::InputTokens, [json]) => input_tokens(json),
        _ => Err(not_an_answer(&"one answer was asked for")),
    }
}

/// What built-in tools did, as one more member of the answer, in either dialect.
fn with_events(answer: Bytes, beside: &[Bytes]) -> Result<Bytes, BackendError> {
    if beside.is_empty() {
        return Ok(answer);
    }
    let events: Vec<_> = beside.iter().map(|event| String::from_utf8_lossy(event)).collect();
    let list = format!("[{}]", events.join(","));
    Edit::new(&answer).set("claude_code_events", &list).finish().map_err(|error| not_an_answer(&error))
}

/// The response object, kept first where it is to be kept.
async fn respond_with(json: &Bytes, wanted: Wanted) -> Result<Bytes, BackendError> {
    let Wanted { id, created, echo, keep, .. } = wanted;
    let response = openai_responses::encode_answer(json, echo, &id, created, now())
        .map_err(|error| not_an_answer(&error))?;
    Ok(match keep {
        Some(keep) => keep.end(response).await,
        None => response,
    })
}

fn input_tokens(json: &Bytes) -> Result<Bytes, BackendError> {
    let [count] = peek::members(json, ["input_tokens"]).map_err(|error| not_an_answer(&error))?;
    let count = count.and_then(|count| count.get().parse().ok());
    count.map(openai_responses::input_tokens).ok_or_else(|| not_an_answer(&"no count"))
}

/// `model` in the answer stays as the caller named it; answers without one (token counts) stay as they are.
fn named_as_asked(json: &Bytes, asked: &str) -> Result<Bytes, BackendError> {
    let [model] = peek::members(json, ["model"]).map_err(|error| not_an_answer(&error))?;
    if model.is_none() {
        return Ok(json.clone());
    }
    let name = serde_json::Value::from(asked).to_string();
    Edit::new(json).set("model", &name).finish().map_err(|error| not_an_answer(&error))
}

fn whole(status: StatusCode, headers: HeaderMap, body: Bytes, mut exchange: Exchange) -> Response {
    exchange.answered(status.as_u16());
    exchange.sent(body.len());
    exchange.end(Ended::Complete);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    response
}

pub(super) async fn collect(body: UpstreamBody, exchange: &Exchange) -> Result<Bytes, BackendError> {
    tokio::select! {
        collected = collect_up_to(body, MAX_ANSWER_BYTES) => collected,
        () = exchange.cut() => Err(stopping().into()),
    }
}

/// The whole body, unless it is longer than that.
pub(super) async fn collect_up_to(body: UpstreamBody, most_bytes: usize) -> Result<Bytes, BackendError> {
    let collected = Limited::new(body, most_bytes).collect().await;
    let collected = collected.map_err(|error| match error.downcast::<BackendError>() {
        Ok(error) => *error,
        Err(error) => BackendError::cut(error.to_string()),
    })?;
    Ok(collected.to_bytes())
}

/// The whole answer of a turn that came as events.
pub(super) async fn fold(mut events: EventStream, exchange: &Exchange) -> Result<Whole, BackendError> {
    let (mut answer, mut beside) = (Accumulator::default(), Vec::new());
    loop {
        let next = tokio::select! {
            next = events.next() => next,
            () = exchange.cut() => return Err(stopping().into()),
        };
        let Some(event) = next else { break };
        match event? {
            event if event.name == AGENT_EVENT => beside.push(event.data),
            event => answer.push(&event).map_err(|error| not_an_answer(&error))?,
        }
    }
    let json = answer.finish().map_err(|error| not_an_answer(&error))?;
    Ok(Whole { json, beside })
}
