//! Several answers at once, interleaved into one stream as their events come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use messages::{ApiError, Meter, RawEvent};

use super::events::{BATCH_BYTES, Events, told_by};
use super::patience::{Cut, KeepAlive};
use super::{ChatSink, ended_early};
use crate::pipeline::{Ended, Exchange, stopping};

/// The body of a streamed answer with several choices.
pub(crate) struct ChoicesRelay {
    lanes: Vec<Lane>,
    /// The lane that is looked at first, so that a fast one does not starve the others.
    next: usize,
    over: bool,
    sink: ChatSink,
    keep_alive: KeepAlive,
    cut: Cut,
    exchange: Exchange,
}

/// One choice's answer.
struct Lane {
    /// `None` once it is complete.
    events: Option<Events>,
    meter: Meter,
}

/// Why a stream ends before its choices do.
struct Failure {
    error: ApiError,
    detail: String,
    ended: Ended,
}

impl ChoicesRelay {
    pub(crate) fn new(events: Vec<Events>, sink: ChatSink, exchange: Exchange) -> Self {
        let cut = Cut::new(exchange.cut_owned());
        let lanes = events.into_iter().map(|events| Lane { events: Some(events), meter: Meter::default() });
        let lanes = lanes.collect();
        Self { lanes, next: 0, over: false, sink, keep_alive: KeepAlive::new(), cut, exchange }
    }

    /// Writes what the event of this choice becomes.
    fn take(&mut self, choice: usize, event: &RawEvent, out: &mut BytesMut) -> Result<(), Failure> {
        let Some(lane) = self.lanes.get_mut(choice) else { return Ok(()) };
        lane.meter.event(&event.name, &event.data);
        let finished = lane.meter.finished();
        if finished {
            lane.events = None;
        }
        if Meter::EVENTS.contains(&&*event.name) {
            self.exchange.meter = Meter::together(self.lanes.iter().map(|lane| &lane.meter));
        }
        if event.name == "error" {
            let error = told_by(&event.data);
            let detail = format!("upstream ended the stream with {}", error.kind.as_str());
            return Err(Failure { error, detail, ended: Ended::BackendFailed });
        }
        self.sink.push(choice, event, out)?;
        if self.lanes.iter().all(|lane| lane.events.is_none()) {
            self.sink.finish(out)?;
            self.over = true;
            self.exchange.end(Ended::Complete);
        }
        Ok(())
    }

    /// Writes what of this choice is there.
    fn poll_lane(&mut self, choice: usize, cx: &mut Context<'_>, out: &mut BytesMut) -> Result<(), Failure> {
        while out.len() < BATCH_BYTES {
            let Some(events) = self.lanes.get_mut(choice).and_then(|lane| lane.events.as_mut()) else {
                break;
            };
            match events.poll_event(cx) {
                Poll::Ready(Some(Ok(event))) => self.take(choice, &event, out)?,
                Poll::Ready(Some(Err(failure))) => return Err(failure.into()),
                Poll::Ready(None) => return Err(ended_early().into()),
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn poll_lanes(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Result<(), Failure> {
        let count = self.lanes.len();
        let first = self.next;
        self.next = (first + 1) % count.max(1);
        (first..first + count).try_for_each(|lane| self.poll_lane(lane % count, cx, out))
    }

    fn fail(&mut self, Failure { error, detail, ended }: Failure, out: &mut BytesMut) {
        self.over = true;
        self.lanes.clear();
        self.exchange.failed(detail);
        self.exchange.end(ended);
        self.sink.fail(&error, out);
    }

    /// Nothing has come yet: give up, or reassure the client, or wait on.
    fn poll_waiting(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<()> {
        if self.cut.poll_cut(cx).is_ready() {
            let detail = "the server is shutting down".into();
            self.fail(Failure { error: stopping(), detail, ended: Ended::Shutdown }, out);
            return Poll::Ready(());
        }
        ready!(self.keep_alive.poll_due(cx));
        ChatSink::keep_alive(out);
        Poll::Ready(())
    }
}

impl Body for ChoicesRelay {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        if let Err(failure) = this.poll_lanes(cx, &mut out) {
            this.fail(failure, &mut out);
        }
        if out.is_empty() {
            ready!(this.poll_waiting(cx, &mut out));
        }
        this.exchange.sent(out.len());
        this.keep_alive.sent();
        Poll::Ready(Some(Ok(Frame::data(out.freeze()))))
    }
}

impl From<backends::BackendError> for Failure {
    fn from(failure: backends::BackendError) -> Self {
        Self { error: failure.error, detail: failure.detail, ended: Ended::BackendFailed }
    }
}

impl From<super::sink::Unreadable> for Failure {
    fn from(unreadable: super::sink::Unreadable) -> Self {
        backends::BackendError::cut(format!("unreadable event: {}", unreadable.0)).into()
    }
}
