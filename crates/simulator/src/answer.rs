//! From a turn to the bytes of a response.

mod body;
mod headers;
mod json;
mod parts;
mod play;
mod recut;
mod sse;
mod usage;

pub(crate) use body::AnswerBody;
pub(crate) use play::Waiter;

use crate::face::Face;
use crate::models;
use crate::record::{Ended, Exchange};
use crate::refusal::{self, Refusal};
use crate::script::{Before, HttpError, Turn};
use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::collections::BTreeMap;
use usage::Usage;

/// The connection closes without (more of) an answer, because a script says so or the client is gone.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct Hangup;

/// What an answer needs to know about its request.
pub(crate) struct Asked {
    pub(crate) face: Face,
    pub(crate) request_id: String,
    /// A number that no other request has, for ids.
    pub(crate) number: u64,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) input_tokens: u64,
}

/// Which API was asked, in which request.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) face: Face,
    pub(crate) request_id: &'a str,
}

/// What stands around the content of a message.
struct Envelope {
    face: Face,
    id: String,
    model: String,
    request_id: String,
    usage: Usage,
    stop_reason: String,
    stop_sequence: Option<String>,
}

impl Envelope {
    fn new(turn: &Turn, asked: &Asked) -> Self {
        let default_stop = if parts::calls_a_tool(turn) { "tool_use" } else { "end_turn" };
        Self {
            face: asked.face,
            id: turn.id.clone().unwrap_or_else(|| format!("msg_01Sim{:019}", asked.number)),
            model: turn.model.clone().unwrap_or_else(|| models::served(&asked.model).into_owned()),
            request_id: asked.request_id.clone(),
            usage: Usage::of(turn, asked.input_tokens),
            stop_reason: turn.stop_reason.clone().unwrap_or_else(|| default_stop.to_owned()),
            stop_sequence: turn.stop_sequence.clone(),
        }
    }
}

/// Plays a turn.
pub(crate) async fn play(
    turn: Turn,
    asked: &Asked,
    mut waiter: Waiter,
    mut exchange: Exchange,
) -> Result<Response<AnswerBody>, Hangup> {
    if waiter.before(&turn.before).await.is_err() {
        exchange.end(Ended::Cut);
        return Err(Hangup);
    }
    let asking = Asking { face: asked.face, request_id: &asked.request_id };
    if let Some(error) = &turn.http_error {
        return Ok(http_error(error, &turn.headers, asking, exchange));
    }
    let envelope = Envelope::new(&turn, asked);
    let parts = parts::unroll(&turn, asked.number);
    if asked.stream {
        let acts = sse::acts(&turn, &envelope, parts);
        exchange.answered(200);
        let body = AnswerBody::stream(play::start(acts, waiter), exchange);
        return Ok(response(200, asked.face.stream_type(), asking, &turn.headers, body));
    }
    match json::fold(&envelope, parts, turn.gap_ms, &mut waiter).await {
        json::Folded::Message(text) => {
            let mut response = full(200, text, asking, &turn.headers, exchange);
            asked.face.count_in(response.headers_mut(), envelope.usage.in_and_out());
            Ok(response)
        }
        json::Folded::Half(text) => Ok(half(&text, asking, &turn.headers, waiter, exchange)),
        json::Folded::Error(kind, message) => {
            let refusal = Refusal::new(refusal::status_of(&kind), &kind, message);
            Ok(told(&refusal, asking, &turn.headers, exchange))
        }
        json::Folded::Closed => {
            exchange.end(Ended::Cut);
            Err(Hangup)
        }
    }
}

/// Waits and HTTP error of a turn for an endpoint that has no message to answer; the rest is the caller's.
pub(crate) async fn play_error(
    turn: &Turn,
    asking: Asking<'_>,
    waiter: &mut Waiter,
    mut exchange: Exchange,
) -> Result<Result<Response<AnswerBody>, Exchange>, Hangup> {
    if waiter.before(&turn.before).await.is_err() {
        exchange.end(Ended::Cut);
        return Err(Hangup);
    }
    match &turn.http_error {
        Some(error) => Ok(Ok(http_error(error, &turn.headers, asking, exchange))),
        None => Ok(Err(exchange)),
    }
}

/// A JSON answer.
pub(crate) fn full(
    status: u16,
    text: String,
    asking: Asking<'_>,
    extra: &BTreeMap<String, String>,
    exchange: Exchange,
) -> Response<AnswerBody> {
    exchange.answered(status);
    let body = AnswerBody::full(Bytes::from(text), Some(exchange));
    response(status, "application/json", asking, extra, body)
}

/// The answer to a refused request.
pub(crate) fn refused(refusal: &Refusal, asking: Asking<'_>, exchange: Exchange) -> Response<AnswerBody> {
    let extra = refusal.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    told(refusal, asking, &extra.collect(), exchange)
}

/// An error in the shape of the API that was asked.
fn told(
    refusal: &Refusal,
    asking: Asking<'_>,
    extra: &BTreeMap<String, String>,
    exchange: Exchange,
) -> Response<AnswerBody> {
    let told = asking.face.error(refusal, asking.request_id);
    let its_own = told.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    let headers = its_own.chain(extra.clone()).collect();
    full(told.status, told.body, asking, &headers, exchange)
}

fn http_error(
    error: &HttpError,
    extra: &BTreeMap<String, String>,
    asking: Asking<'_>,
    exchange: Exchange,
) -> Response<AnswerBody> {
    if let Some(body) = &error.body {
        exchange.answered(error.status);
        let kind = if body.trim_start().starts_with('{') { "application/json" } else { "text/html" };
        let body = AnswerBody::full(Bytes::from(body.clone()), Some(exchange));
        return response(error.status, kind, asking, extra, body);
    }
    let kind = error.kind.as_deref().unwrap_or_else(|| refusal::kind_of(error.status));
    let message = error.message.as_deref().unwrap_or_else(|| refusal::prose_of(kind));
    told(&Refusal::new(error.status, kind, message), asking, extra, exchange)
}

/// A JSON answer whose connection closes half-way.
fn half(
    text: &str,
    asking: Asking<'_>,
    extra: &BTreeMap<String, String>,
    waiter: Waiter,
    exchange: Exchange,
) -> Response<AnswerBody> {
    exchange.answered(200);
    let acts = vec![play::Act::Send(text.as_bytes()[..text.len() / 2].to_vec()), play::Act::Abort];
    let body = AnswerBody::stream(play::start(acts, waiter), exchange);
    let mut response = response(200, "application/json", asking, extra, body);
    response.headers_mut().insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    response
}

/// An answer with the headers that the real API sends, and a script's own.
fn response(
    status: u16,
    content_type: &'static str,
    asking: Asking<'_>,
    extra: &BTreeMap<String, String>,
    body: AnswerBody,
) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    headers::usual(response.headers_mut(), content_type, asking);
    for (name, value) in extra {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl Waiter {
    /// The waits before the first byte; an error when the connection is to be closed instead.
    async fn before(&mut self, before: &[Before]) -> Result<(), Hangup> {
        for wait in before {
            match wait {
                Before::PauseMs(ms) => play::pause(*ms).await,
                Before::Hold => self.hold().await,
                Before::Stall => std::future::pending().await,
                Before::Close => return Err(Hangup),
            }
        }
        Ok(())
    }
}
