//! Turns a stream of Messages events into the caller's stream, as fast as they come.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use backends::{BackendError, EventStream, UpstreamBody};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use messages::{ApiError, ErrorKind, Event, RawEvent};
use wire::sse;

use super::patience::{Cut, KeepAlive};
use super::{Sink, ended_early};
use crate::pipeline::{Ended, Exchange, stopping};

/// One event may hold a whole tool input or document.
pub(crate) const MAX_EVENT_BYTES: usize = 32 << 20;
/// Events that are already there go out together, up to about this much.
pub(super) const BATCH_BYTES: usize = 64 << 10;

/// Where events come from.
pub(crate) enum Events {
    /// An HTTP backend's bytes.
    Sse {
        /// The answer's body.
        body: Pin<Box<UpstreamBody>>,
        /// Holds what came of an event that is not whole yet.
        decoder: sse::Decoder,
    },
    /// A turn of the `claude` program.
    Turn(EventStream),
}

impl Events {
    pub(crate) fn sse(body: UpstreamBody) -> Self {
        Self::Sse { body: Box::pin(body), decoder: sse::Decoder::new(MAX_EVENT_BYTES) }
    }

    pub(super) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<RawEvent, BackendError>>> {
        match self {
            Self::Turn(turn) => turn.as_mut().poll_next(cx),
            Self::Sse { body, decoder } => loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) if frame.data.is_empty() => {}
                    Ok(Some(frame)) => return Poll::Ready(Some(raw_event(frame))),
                    Ok(None) => match ready!(body.as_mut().poll_frame(cx)) {
                        Some(Ok(frame)) => decoder.push(frame.data_ref().map_or(&[][..], |data| data)),
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => return Poll::Ready(None),
                    },
                    Err(error) => return Poll::Ready(Some(Err(BackendError::cut(error.to_string())))),
                }
            },
        }
    }
}

/// The event's name is its `type`; a stream that leaves out `event:` lines is still understood.
fn raw_event(frame: sse::Frame) -> Result<RawEvent, BackendError> {
    let name = std::str::from_utf8(&frame.event)
        .map_err(|_| BackendError::cut("an event's name is not UTF-8".into()))?;
    let name = match name {
        "content_block_delta" => Cow::Borrowed("content_block_delta"),
        other => Cow::Owned(other.to_owned()),
    };
    Ok(RawEvent { name, data: frame.data })
}

/// How far a stream is.
enum Stage {
    /// Events come.
    Running(Events),
    /// All has come; the sink may hold the last words back.
    Closing,
    /// All was sent.
    Over,
}

/// The body of a streamed answer that is made from events.
pub(crate) struct EventRelay {
    stage: Stage,
    sink: Sink,
    keep_alive: KeepAlive,
    cut: Cut,
    exchange: Exchange,
}

impl EventRelay {
    pub(crate) fn new(events: Events, sink: Sink, exchange: Exchange) -> Self {
        let cut = Cut::new(exchange.cut_owned());
        Self { stage: Stage::Running(events), sink, keep_alive: KeepAlive::new(), cut, exchange }
    }

    /// Writes what the event becomes. `true` when it was the last one.
    fn take(&mut self, event: RawEvent, out: &mut BytesMut) -> bool {
        self.exchange.meter.event(&event.name, &event.data);
        if event.name == "error" {
            let error = told_by(&event.data);
            self.fail(
                &error,
                format!("upstream ended the stream with {}", error.kind.as_str()),
                Ended::BackendFailed,
                out,
            );
            return true;
        }
        let finished = self.exchange.meter.finished();
        let written =
            self.sink.push(event, out).and_then(|()| if finished { self.sink.finish(out) } else { Ok(()) });
        match written {
            Ok(()) if finished => self.exchange.end(Ended::Complete),
            Ok(()) => return false,
            Err(unreadable) => {
                let failure = BackendError::cut(format!("unreadable event: {}", unreadable.0));
                self.fail(&failure.error, failure.detail, Ended::BackendFailed, out);
            }
        }
        true
    }

    fn fail(&mut self, error: &ApiError, detail: String, ended: Ended, out: &mut BytesMut) {
        self.exchange.failed(detail);
        self.exchange.end(ended);
        self.sink.fail(error, out);
    }

    /// Nothing has come yet: give up, or reassure the client, or wait on.
    fn poll_waiting(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<bool> {
        if self.cut.poll_cut(cx).is_ready() {
            self.fail(&stopping(), "the server is shutting down".into(), Ended::Shutdown, out);
            return Poll::Ready(true);
        }
        ready!(self.keep_alive.poll_due(cx));
        self.sink.keep_alive(out);
        Poll::Ready(false)
    }

    /// Writes all that is there. Ready with `true` when the stream is over.
    fn poll_batch(&mut self, events: &mut Events, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<bool> {
        loop {
            match events.poll_event(cx) {
                Poll::Ready(Some(Ok(event))) => {
                    if self.take(event, out) {
                        return Poll::Ready(true);
                    }
                    if out.len() >= BATCH_BYTES {
                        return Poll::Ready(false);
                    }
                }
                Poll::Ready(Some(Err(failure))) => {
                    self.fail(&failure.error, failure.detail, Ended::BackendFailed, out);
                    return Poll::Ready(true);
                }
                Poll::Ready(None) => {
                    let failure = ended_early();
                    self.fail(&failure.error, failure.detail, Ended::BackendFailed, out);
                    return Poll::Ready(true);
                }
                Poll::Pending if out.is_empty() => return self.poll_waiting(cx, out),
                Poll::Pending => return Poll::Ready(false),
            }
        }
    }
}

impl Body for EventRelay {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let mut out = BytesMut::new();
        if let Stage::Running(mut events) = std::mem::replace(&mut this.stage, Stage::Closing) {
            let polled = this.poll_batch(&mut events, cx, &mut out);
            if !matches!(polled, Poll::Ready(true)) {
                this.stage = Stage::Running(events);
            }
            ready!(polled);
        }
        if let Stage::Closing = this.stage {
            match this.sink.poll_last(cx, &mut out) {
                Poll::Ready(()) => this.stage = Stage::Over,
                Poll::Pending if out.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        if out.is_empty() {
            return Poll::Ready(None);
        }
        this.exchange.sent(out.len());
        this.keep_alive.sent();
        Poll::Ready(Some(Ok(Frame::data(out.freeze()))))
    }
}

/// The error that an upstream put into its stream.
pub(crate) fn told_by(data: &[u8]) -> ApiError {
    match Event::parse(data) {
        Ok(Event::Error(body)) => {
            let kind = ErrorKind::from_type(&body.kind).unwrap_or(ErrorKind::Api);
            ApiError::new(kind, body.message.into_owned())
        }
        _ => ApiError::new(ErrorKind::Api, "The upstream API ended the answer with an error."),
    }
}
