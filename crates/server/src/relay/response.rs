//! The events of a response. The last ones wait until it is kept: who has seen them can come back to it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use dialects::openai_responses::EventEncoder;
use messages::{ApiError, Event, EventError};

use crate::responses::{Keep, now};

/// Writes events, and holds the last ones back.
pub(crate) struct ResponseSink {
    encoder: EventEncoder,
    keep: Option<Keep>,
    last: Option<Last>,
}

/// What is told when the response is kept.
struct Last {
    events: BytesMut,
    /// The response object to tell, once it is known.
    kept: Pin<Box<dyn Future<Output = Bytes> + Send>>,
}

impl ResponseSink {
    pub(super) const fn new(encoder: EventEncoder, keep: Option<Keep>) -> Self {
        Self { encoder, keep, last: None }
    }

    pub(super) fn object(&self) -> Bytes {
        self.encoder.response()
    }

    pub(super) fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.encoder.push(event, out)
    }

    pub(super) fn finish(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        let mut events = BytesMut::new();
        self.encoder.finish(now(), &mut events)?;
        self.hold(events, out);
        Ok(())
    }

    pub(super) fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        let begun = self.encoder.next_sequence_number() > 0;
        let mut events = BytesMut::new();
        self.encoder.fail(error, &mut events);
        if !begun {
            // Nobody has heard of it.
            self.keep = None;
        }
        self.hold(events, out);
    }

    fn hold(&mut self, events: BytesMut, out: &mut BytesMut) {
        match self.keep.take() {
            Some(keep) => {
                self.last = Some(Last { events, kept: Box::pin(keep.end(self.encoder.response())) });
            }
            None => out.extend_from_slice(&events),
        }
    }

    pub(super) fn poll_last(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<()> {
        let Some(last) = &mut self.last else { return Poll::Ready(()) };
        let kept = ready!(last.kept.as_mut().poll(cx));
        let told = self.encoder.response();
        replace_last(&last.events, &told, &kept, out);
        self.last = None;
        Poll::Ready(())
    }
}

/// The events with another response object in the last of them.
fn replace_last(events: &[u8], told: &Bytes, kept: &Bytes, out: &mut BytesMut) {
    let place = if kept == told || told.is_empty() {
        None
    } else {
        events.windows(told.len()).rposition(|window| window == told)
    };
    let (before, after) = match place {
        Some(place) => (events.get(..place), events.get(place + told.len()..)),
        None => (Some(events), None),
    };
    out.extend_from_slice(before.unwrap_or_default());
    if let Some(after) = after {
        out.extend_from_slice(kept);
        out.extend_from_slice(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_was_not_kept_is_told_as_such() {
        let told = Bytes::from_static(br#"{"store":true}"#);
        let kept = Bytes::from_static(br#"{"store":false}"#);
        let events = br#"data: {"response":{"store":true}}\n\ndata: {"response":{"store":true},"n":2}\n\n"#;
        let mut out = BytesMut::new();
        replace_last(events, &told, &told, &mut out);
        assert_eq!(&out[..], events);
        out.clear();
        replace_last(events, &told, &kept, &mut out);
        let expected =
            br#"data: {"response":{"store":true}}\n\ndata: {"response":{"store":false},"n":2}\n\n"#;
        assert_eq!(&out[..], expected);
    }
}
