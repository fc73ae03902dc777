//! Waits until an answer has really begun. What fails before that has shown nothing to anybody, so that another backend
//! may be asked.

use backends::{BackendError, EventStream, Reply, ReplyBody, UpstreamBody};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use messages::{ErrorKind, RawEvent};
use wire::sse;

use super::reply::is_event_stream;
use crate::relay::{MAX_EVENT_BYTES, told_by};

/// The reply, whose body has begun; the error, where it ended or failed before.
pub(super) async fn begun(reply: Reply) -> Result<Reply, BackendError> {
    let body = match reply.body {
        ReplyBody::Bytes(body) if !reply.status.is_success() => ReplyBody::Bytes(body),
        ReplyBody::Bytes(body) if is_event_stream(&reply.headers) => {
            ReplyBody::Bytes(first_event(body).await?)
        }
        ReplyBody::Bytes(body) => ReplyBody::Bytes(first_piece(body).await?),
        ReplyBody::Events(events) => ReplyBody::Events(first_of_turn(events).await?),
        body @ ReplyBody::Json(_) => body,
    };
    Ok(Reply { body, ..reply })
}

/// Up to the first event that is part of an answer.
async fn first_event(mut body: UpstreamBody) -> Result<UpstreamBody, BackendError> {
    let (mut seen, mut decoder) = (BytesMut::new(), sse::Decoder::new(MAX_EVENT_BYTES));
    loop {
        let data = piece(&mut body).await?;
        decoder.push(&data);
        seen.extend_from_slice(&data);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) if frame.data.is_empty() || &*frame.event == b"ping" => {}
                Ok(Some(frame)) => {
                    failed(&frame.event, &frame.data)?;
                    return Ok(body.preceded_by(seen.freeze()));
                }
                Ok(None) => break,
                Err(error) => return Err(BackendError::cut(error.to_string())),
            }
        }
    }
}

async fn first_piece(mut body: UpstreamBody) -> Result<UpstreamBody, BackendError> {
    let data = piece(&mut body).await?;
    Ok(body.preceded_by(data))
}

async fn piece(body: &mut UpstreamBody) -> Result<Bytes, BackendError> {
    loop {
        let Some(frame) = body.frame().await else {
            return Err(BackendError::cut("the body ended before the answer had begun".into()));
        };
        match frame?.into_data() {
            Ok(data) if !data.is_empty() => return Ok(data),
            _ => {}
        }
    }
}

async fn first_of_turn(mut events: EventStream) -> Result<EventStream, BackendError> {
    let first: RawEvent = match events.next().await {
        Some(event) => event?,
        None => return Err(BackendError::cut("the turn ended before its answer had begun".into())),
    };
    failed(first.name.as_bytes(), &first.data)?;
    Ok(Box::pin(stream::iter([Ok(first)]).chain(events)))
}

/// An error in place of an answer, unless it is the request's own fault.
fn failed(name: &[u8], data: &[u8]) -> Result<(), BackendError> {
    if name != b"error" {
        return Ok(());
    }
    let error = told_by(data);
    let is_passing = matches!(
        error.kind,
        ErrorKind::Api | ErrorKind::Overloaded | ErrorKind::Timeout | ErrorKind::RateLimit
    );
    if is_passing {
        let detail = format!("upstream began the stream with {}", error.kind.as_str());
        return Err(BackendError { error, detail });
    }
    Ok(())
}
