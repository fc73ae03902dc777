//! `background: true`: the caller gets the response's id at once, and the response later, from here or from the next
//! server.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use dialects::openai_responses::EventEncoder;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::Event;
use wire::sse;

use super::events::framed;
use super::job::{self, Job};
use super::live::{Run, follow};
use super::plan::{Background, Wanted};
use crate::app::App;
use crate::error;
use crate::pipeline::{Exchange, Journey, streamed};
use crate::relay::{MAX_EVENT_BYTES, Sink};

/// What is kept of a request until its response has ended.
#[derive(Deserialize, Serialize)]
pub(super) struct KeptRequest<'a> {
    /// The request's body as it came.
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
    /// `anthropic-beta`, which is no part of the body.
    pub(super) beta: Option<String>,
    /// Whether fields without effect are refused.
    pub(super) strict: bool,
}

/// Keeps the request and begins to make its response. Answers with the response as it is queued, or with its events.
pub(crate) async fn start(
    app: Arc<App>,
    wanted: Wanted,
    background: Background,
    journey: Journey,
    headers: HeaderMap,
    mut exchange: Exchange,
) -> Response {
    let Wanted { id, created, echo, keep, .. } = wanted;
    let queued = echo.queued(&id, created);
    let mut encoder = EventEncoder::new(echo, &id, created);
    let first = first_events(&mut encoder);
    let (Some(keep), Some(request)) = (keep, kept_request(&background.request, &journey)) else {
        return error::finish(exchange, &super::not_found(), HeaderMap::new());
    };
    let (owner, store) = (keep.owner.clone(), Arc::clone(&keep.store));
    if let Err(refused) = store.insert(keep.queued(queued.clone(), request, first.clone())).await {
        let error = app.responses.broken(&refused);
        exchange.failed("the response could not be kept");
        return error::finish(exchange, &error, HeaderMap::new());
    }
    exchange.answered(200);
    exchange.sent(queued.len());
    let sink = Sink::response(encoder, None);
    let run = begin(&app, &owner, queued.clone(), first, Job { id, store, journey, sink, exchange });
    if background.stream {
        return streamed(headers, follow(run, None, app.drain.cut.clone(), None));
    }
    let mut response = Response::new(Body::from(queued));
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Makes a response that the store knows already.
pub(super) fn begin(app: &Arc<App>, owner: &str, queued: Bytes, first: Vec<Event>, job: Job) -> Arc<Run> {
    let run = app.responses.runs.begin(owner, &job.id, queued);
    run.tell(first);
    app.responses.tasks.spawn(job::run(Arc::clone(app), Arc::clone(&run), job));
    run
}

/// What is said before anything is made.
pub(super) fn first_events(encoder: &mut EventEncoder) -> Vec<Event> {
    let mut out = BytesMut::new();
    encoder.queue(&mut out);
    let mut decoder = sse::Decoder::new(MAX_EVENT_BYTES);
    decoder.push(&out);
    let mut events = Vec::new();
    while let Ok(Some(frame)) = decoder.next_frame() {
        let sse = framed(&String::from_utf8_lossy(&frame.event), &frame.data);
        events.push(Event { sequence: events.len() as u64, sse });
    }
    events
}

fn kept_request(body: &Bytes, journey: &Journey) -> Option<Bytes> {
    let body: &RawValue = serde_json::from_slice(body).ok()?;
    let (beta, strict) = (journey.beta(), journey.strict());
    serde_json::to_vec(&KeptRequest { body, beta, strict }).map(Bytes::from).ok()
}
