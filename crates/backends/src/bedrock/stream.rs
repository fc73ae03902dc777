//! A streamed answer: AWS event-stream frames, each with one Messages event in base64.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body;
use messages::RawEvent;
use wire::event_stream::{Decoder, Frame};
use wire::json::edit::Edit;

use super::body;
use super::refusal::Refusal;
use crate::{BackendError, UpstreamBody};

/// One event may hold a whole tool input; base64 makes it a third longer.
const MAX_FRAME_BYTES: usize = 48 << 20;
/// What Bedrock adds to the last event, in a shape that the Messages API does not have.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// The events of an answer. Ends with an error where the stream breaks off within a frame, or Bedrock says why it ends.
pub(super) struct Events {
    /// `None` once it has ended.
    body: Option<Pin<Box<UpstreamBody>>>,
    decoder: Decoder,
}

impl Events {
    pub(super) fn new(body: UpstreamBody) -> Self {
        Self { body: Some(Box::pin(body)), decoder: Decoder::new(MAX_FRAME_BYTES) }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RawEvent>, BackendError>> {
        loop {
            let frame = self.decoder.next_frame().map_err(|corrupt| BackendError::cut(corrupt.to_string()));
            if let Some(frame) = frame? {
                if let Some(event) = event(&frame)? {
                    return Poll::Ready(Ok(Some(event)));
                }
                continue;
            }
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(None)) };
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(bytes) => self.decoder.push(bytes?.data_ref().map_or(&[][..], |data| data)),
                None if self.decoder.has_partial() => {
                    return Poll::Ready(Err(BackendError::cut("the stream ended within a frame".into())));
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl Stream for Events {
    type Item = Result<RawEvent, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.body.is_none() {
            return Poll::Ready(None);
        }
        let event = ready!(self.poll_event(cx)).transpose();
        if !matches!(event, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(event)
    }
}

/// The event in a frame; none in frames of a kind that is not known.
fn event(frame: &Frame) -> Result<Option<RawEvent>, BackendError> {
    match (frame.header(":message-type"), frame.header(":event-type")) {
        (Some("exception"), _) => {
            let exception = frame.header(":exception-type").unwrap_or("an exception");
            Err(told(&Refusal::streamed(exception, &frame.payload)))
        }
        (Some("error"), _) => {
            let (code, message) = (frame.header(":error-code"), frame.header(":error-message"));
            let said = serde_json::json!({ "message": message }).to_string();
            Err(told(&Refusal::streamed(code.unwrap_or("an error"), said.as_bytes())))
        }
        (_, Some("chunk")) => {
            let json = body::chunk(&frame.payload).ok_or_else(|| unreadable("a chunk is not base64"))?;
            let event = RawEvent::from_json(json).map_err(|error| unreadable(&error))?;
            Ok(Some(without_metrics(event)?))
        }
        _ => Ok(None),
    }
}

fn without_metrics(event: RawEvent) -> Result<RawEvent, BackendError> {
    if event.name != "message_stop" {
        return Ok(event);
    }
    let data: Bytes = Edit::new(&event.data).remove(METRICS).finish().map_err(|error| unreadable(&error))?;
    Ok(RawEvent { data, ..event })
}

fn told(refusal: &Refusal) -> BackendError {
    let detail = format!("Bedrock ended the stream with {}", refusal.exception);
    BackendError { error: refusal.error(), detail }
}

fn unreadable(error: &(impl std::fmt::Display + ?Sized)) -> BackendError {
    BackendError::cut(format!("unreadable event: {error}"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::BytesMut;
    use wire::event_stream::write_frame;

    use super::*;

    fn frame(headers: &[(&str, &str)], payload: &str) -> Frame {
        let mut bytes = BytesMut::new();
        write_frame(&mut bytes, headers, payload.as_bytes());
        let mut decoder = Decoder::new(MAX_FRAME_BYTES);
        decoder.push(&bytes);
        decoder.next_frame().unwrap().unwrap()
    }

    fn chunk(event: &str) -> Frame {
        let payload = format!(r#"{{"bytes":"{}","p":"abcdef"}}"#, STANDARD.encode(event));
        frame(&[(":message-type", "event"), (":event-type", "chunk")], &payload)
    }

    #[test]
    fn the_last_event_loses_bedrocks_metrics_and_nothing_else() {
        let plain = r#"{"type":"content_block_stop", "index":0}"#;
        assert_eq!(event(&chunk(plain)).unwrap().unwrap().data, plain);
        let last =
            r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1}, "new":1}"#;
        let event = event(&chunk(last)).unwrap().unwrap();
        assert_eq!(
            (event.name.as_ref(), &event.data[..]),
            ("message_stop", &br#"{"type":"message_stop", "new":1}"#[..])
        );
    }

    #[test]
    fn exceptions_and_garbage_end_the_stream_with_their_reason() {
        let throttled = frame(
            &[(":message-type", "exception"), (":exception-type", "throttlingException")],
            r#"{"message":"Too many requests"}"#,
        );
        assert_eq!(event(&throttled).unwrap_err().error.status, 429);
        let failed = frame(
            &[(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "Oh")],
            "",
        );
        let error = event(&failed).unwrap_err().error;
        assert_eq!((error.status, error.message.as_str()), (500, "Oh"));
        for payload in ["", "{}", r#"{"bytes":"?"}"#, r#"{"bytes":"e30="}"#] {
            let garbage = frame(&[(":message-type", "event"), (":event-type", "chunk")], payload);
            assert_eq!(event(&garbage).unwrap_err().error.status, 502, "{payload}");
        }
        assert!(
            event(&frame(&[(":message-type", "event"), (":event-type", "news")], "{}")).unwrap().is_none()
        );
    }
}
