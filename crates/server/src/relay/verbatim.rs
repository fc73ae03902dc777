//! Passes an SSE answer on untouched; a tap reads usage from a copy.

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

/// The body of a streamed answer that is forwarded byte for byte.
pub(crate) struct VerbatimRelay {
    /// `None` once the stream has ended.
    upstream: Option<Pin<Box<UpstreamBody>>>,
    tap: Tap,
    cut: Cut,
    exchange: Exchange,
}

impl VerbatimRelay {
    pub(crate) fn new(upstream: UpstreamBody, exchange: Exchange) -> Self {
        let cut = Cut::new(exchange.cut_owned());
        Self {
            upstream: Some(Box::pin(upstream)),
            tap: Tap::new(Meter::EVENTS, MAX_TAPPED_BYTES),
            cut,
            exchange,
        }
    }

    fn pass(&mut self, data: Bytes) -> Frame<Bytes> {
        self.exchange.first_byte();
        let meter = &mut self.exchange.meter;
        self.tap.observe(&data, |name, event| meter.event(name, event));
        Frame::data(data)
    }

    /// The last frame of a stream that ends early: the broken event is closed, then the error is told.
    fn fail(&mut self, error: &ApiError, ended: Ended) -> Frame<Bytes> {
        self.upstream = None;
        self.exchange.end(ended);
        let mut last = BytesMut::with_capacity(256);
        if !self.tap.at_boundary() {
            last.extend_from_slice(b"\n\n");
        }
        dialects::anthropic::error_event(&mut last, error, Some(&self.exchange.request_id));
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
            return None;
        }
        if let Some(kind) = meter.failed() {
            let detail = format!("upstream ended the stream with {kind}");
            self.upstream = None;
            self.exchange.failed(detail);
            self.exchange.end(Ended::BackendFailed);
            return None;
        }
        Some(self.broken(ended_early()))
    }
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
                    return Poll::Ready(Some(Ok(this.pass(data))));
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
