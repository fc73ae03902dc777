//! Passes an SSE answer on untouched, event by event; a tap reads usage from a copy. Half an event is of no use to a
//! client, and where its other half never comes, an error must be able to follow.

use std::pin::Pin;
use std::task::{Context, Poll};

use backends::{BackendError, UpstreamBody};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use messages::{ApiError, Meter};
use wire::tap::Tap;

use super::ended_early;
use super::patience::Cut;
use crate::pipeline::{Ended, Exchange, stopping};

/// An event that tells usage is far smaller; larger ones pass unread.
const MAX_TAPPED_BYTES: usize = 256 << 10;
/// The beginning of a longer event is passed on before its end is there.
const MAX_HELD_BYTES: usize = 256 << 10;

/// The body of a streamed answer that is forwarded byte for byte.
pub(crate) struct VerbatimRelay {
    /// `None` once the stream has ended.
    upstream: Option<Pin<Box<UpstreamBody>>>,
    tap: Tap,
    /// The beginning of an event whose end has not come.
    held: BytesMut,
    /// The client has the beginning of an event whose end has not come.
    torn: bool,
    cut: Cut,
    exchange: Exchange,
}

impl VerbatimRelay {
    pub(crate) fn new(upstream: UpstreamBody, exchange: Exchange) -> Self {
        let cut = Cut::new(exchange.cut_owned());
        Self {
            upstream: Some(Box::pin(upstream)),
            tap: Tap::new(Meter::EVENTS, MAX_TAPPED_BYTES),
            held: BytesMut::new(),
            torn: false,
            cut,
            exchange,
        }
    }

    /// What the client gets now that these bytes came; nothing while an event is not whole.
    fn pass(&mut self, data: Bytes) -> Option<Frame<Bytes>> {
        let meter = &mut self.exchange.meter;
        self.tap.observe(&data, |name, event| meter.event(name, event));
        let data = self.whole_events(data);
        if data.is_empty() {
            return None;
        }
        self.exchange.sent(data.len());
        Some(Frame::data(data))
    }

    /// All up to the end of the last whole event; the rest is held.
    fn whole_events(&mut self, data: Bytes) -> Bytes {
        let whole = self.tap.at_boundary();
        if whole && self.held.is_empty() {
            self.torn = false;
            return data;
        }
        let searched = self.held.len().saturating_sub(BLANK_LINE_BYTES - 1);
        self.held.extend_from_slice(&data);
        let found = end_of_last_event(&self.held, searched);
        let end = match found {
            _ if whole => self.held.len(),
            Some(end) => end,
            None if self.torn || self.held.len() > MAX_HELD_BYTES => self.held.len(),
            None => return Bytes::new(),
        };
        self.torn = !whole && found.is_none();
        self.held.split_to(end).freeze()
    }

    /// The last frame of a stream that ends early: what is left of the broken event is dropped, then the error is told.
    fn fail(&mut self, error: &ApiError, ended: Ended) -> Frame<Bytes> {
        self.upstream = None;
        self.exchange.end(ended);
        let mut last = BytesMut::with_capacity(256);
        if self.torn {
            last.extend_from_slice(b"\n\n");
        }
        dialects::anthropic::error_event(&mut last, error, Some(&self.exchange.request_id));
        self.exchange.sent_error(last.len());
        Frame::data(last.freeze())
    }

    fn broken(&mut self, failure: BackendError) -> Frame<Bytes> {
        self.exchange.failed(failure.detail);
        self.fail(&failure.error, Ended::BackendFailed)
    }

    /// Upstream has ended the body: complete, or with an error of its own, or too early.
    fn closed(&mut self) -> Option<Frame<Bytes>> {
        let meter = &self.exchange.meter;
        if meter.finished() {
            self.upstream = None;
            self.exchange.end(Ended::Complete);
            return self.rest();
        }
        if let Some(kind) = meter.failed() {
            let detail = format!("upstream ended the stream with {kind}");
            self.upstream = None;
            self.exchange.failed(detail);
            self.exchange.end(Ended::BackendFailed);
            return self.rest();
        }
        Some(self.broken(ended_early()))
    }

    /// Bytes that upstream sent behind its last event.
    fn rest(&mut self) -> Option<Frame<Bytes>> {
        let rest = self.held.split().freeze();
        self.exchange.sent_error(rest.len());
        (!rest.is_empty()).then(|| Frame::data(rest))
    }
}

/// `\r\n\r\n` at most.
const BLANK_LINE_BYTES: usize = 4;

fn ends_event(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\n") || bytes.ends_with(b"\r\n\r\n")
}

/// Where the last blank line at or behind `from` ends. One of bare CRs is not found: such an event is held to its end.
fn end_of_last_event(bytes: &[u8], from: usize) -> Option<usize> {
    (from..=bytes.len()).rev().find(|end| bytes.get(..*end).is_some_and(ends_event))
}

impl Body for VerbatimRelay {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
            match upstream.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers have no meaning here and are left out.
                    let Ok(data) = frame.into_data() else { continue };
                    let Some(frame) = this.pass(data) else { continue };
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Err(failure))) => return Poll::Ready(Some(Ok(this.broken(failure)))),
                Poll::Ready(None) => return Poll::Ready(this.closed().map(Ok)),
                Poll::Pending if this.cut.poll_cut(cx).is_ready() => {
                    return Poll::Ready(Some(Ok(this.fail(&stopping(), Ended::Shutdown))));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::end_of_last_event;

    #[test]
    fn the_end_of_the_last_whole_event_is_found() {
        for (bytes, from, expected) in [
            (&b"data: a\n\ndata: b"[..], 0, Some(9)),
            (b"data: a\r\n\r\ndata: b\r\n", 0, Some(11)),
            (b"a\n\nb\n\nc", 0, Some(6)),
            (b"data: a\n", 0, None),
            (b"a\n\nb", 4, None),
            (b"", 0, None),
        ] {
            assert_eq!(end_of_last_event(bytes, from), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
