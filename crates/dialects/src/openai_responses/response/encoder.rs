//! A streamed answer as events.

use bytes::{Bytes, BytesMut};
use messages::{ApiError, Event, EventError};

use super::composer::Composer;
use super::events::Value;
use super::object::{Object, ResponseError, Status};
use crate::openai_responses::echo::Echo;

/// Turns Messages events into a response's events. One per response.
#[derive(Debug)]
pub struct EventEncoder {
    composer: Composer,
    stage: Stage,
    /// The response object as the last event about it told it.
    response: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Waiting,
    Queued,
    Streaming,
    Stopped,
    Closed,
}

impl EventEncoder {
    /// An encoder for one response. `created` is in seconds since 1970.
    #[must_use]
    pub fn new(echo: Echo, response_id: &str, created: u64) -> Self {
        let composer = Composer::new(echo, response_id, created);
        let response = composer.object(Status::InProgress).to_json();
        Self { composer, stage: Stage::Waiting, response }
    }

    /// Says that the response waits to be made: of a background response the first words.
    pub fn queue(&mut self, out: &mut BytesMut) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Queued;
            self.about(Status::Queued, &["response.created", "response.queued"], out);
        }
    }

    /// Writes what this event says as SSE. After an error (also an `error` event is one) only [`Self::fail`] may
    /// follow.
    pub fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match (event, self.stage) {
            (Event::Ping | Event::Other, _) => Ok(()),
            (Event::Error(body), _) => Err(EventError::Upstream(body.kind.clone().into_owned())),
            (Event::MessageStart(start), Stage::Waiting | Stage::Queued) => {
                self.composer.count(&start.usage);
                let both: &[_] = &["response.created", "response.in_progress"];
                let said = usize::from(self.stage == Stage::Queued);
                self.about(Status::InProgress, both.get(said..).unwrap_or_default(), out);
                self.stage = Stage::Streaming;
                Ok(())
            }
            (_, Stage::Waiting | Stage::Queued) => Err(EventError::OutOfOrder("message_start comes first")),
            (Event::MessageStart(_), _) => Err(EventError::OutOfOrder("message_start comes once")),
            (_, Stage::Stopped | Stage::Closed) => {
                Err(EventError::OutOfOrder("nothing follows message_stop"))
            }
            (event, Stage::Streaming) => self.stream(event, out),
        }
    }

    fn stream(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match event {
            Event::BlockDelta { .. } if !self.composer.is_inside_a_block() => {
                Err(EventError::OutOfOrder("a delta without its block"))
            }
            Event::BlockStart { .. } if self.composer.is_inside_a_block() => {
                Err(EventError::OutOfOrder("a block inside of a block"))
            }
            Event::BlockStart { .. } | Event::BlockDelta { .. } | Event::BlockStop { .. } => {
                self.composer.content(event, &mut Some(out));
                Ok(())
            }
            Event::MessageDelta { stop_reason, refusal, usage, .. } => {
                self.composer.count(usage);
                self.composer.end(stop_reason.clone(), refusal.as_deref());
                Ok(())
            }
            Event::MessageStop if self.composer.is_inside_a_block() => {
                Err(EventError::OutOfOrder("message_stop inside of a block"))
            }
            Event::MessageStop if !self.composer.has_ended() => {
                Err(EventError::OutOfOrder("message_stop without a stop reason"))
            }
            Event::MessageStop => {
                self.stage = Stage::Stopped;
                Ok(())
            }
            Event::MessageStart(_) | Event::Ping | Event::Error(_) | Event::Other => Ok(()),
        }
    }

    /// Closes what is open and tells the whole response: `completed` or `incomplete`. An error before `message_stop`:
    /// a truncated answer must never look complete. `completed_at` is in seconds since 1970.
    pub fn finish(&mut self, completed_at: u64, out: &mut BytesMut) -> Result<(), EventError> {
        if self.stage != Stage::Stopped {
            return Err(EventError::Incomplete);
        }
        self.stage = Stage::Closed;
        let mut out = Some(out);
        let (status, incomplete) = self.composer.close(&mut out);
        let object = finished(&self.composer, status, incomplete, completed_at);
        self.response = object.to_json();
        let kind = match status {
            Status::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        let object = raw(&self.response)?;
        self.composer.events.write(&mut out, kind, &[("response", Value::Raw(object))]);
        Ok(())
    }

    /// Ends a response that can't go on: `response.failed`, or `error` alone where the response has not begun.
    pub fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        if self.stage == Stage::Closed {
            return;
        }
        let begun = self.stage != Stage::Waiting;
        self.stage = Stage::Closed;
        let mut object = self.composer.object(Status::Failed);
        object.error = Some(ResponseError::of(error));
        self.response = object.to_json();
        let mut out = Some(out);
        match raw(&self.response) {
            Ok(response) if begun => {
                let members = [("response", Value::Raw(response))];
                self.composer.events.write(&mut out, "response.failed", &members);
            }
            _ => {
                let members = [
                    ("code", Value::OptionalText(error.code.or(Some(ResponseError::of(error).code)))),
                    ("message", Value::Text(&error.message)),
                    ("param", Value::OptionalText(error.path.as_deref())),
                ];
                self.composer.events.write(&mut out, "error", &members);
            }
        }
    }

    /// The response object: once finished or failed as the last event told it, before as it began.
    #[must_use]
    pub fn response(&self) -> Bytes {
        self.response.clone()
    }

    /// The `sequence_number` that the next event will have.
    #[must_use]
    pub const fn next_sequence_number(&self) -> u64 {
        self.composer.events.count()
    }

    fn about(&mut self, status: Status, kinds: &[&'static str], out: &mut BytesMut) {
        self.response = self.composer.object(status).to_json();
        let mut out = Some(out);
        for kind in kinds {
            if let Ok(response) = raw(&self.response) {
                self.composer.events.write(&mut out, kind, &[("response", Value::Raw(response))]);
            }
        }
    }
}

/// The object of a response that ended by itself.
pub(super) fn finished<'c>(
    composer: &'c Composer,
    status: Status,
    incomplete: Option<&'static str>,
    completed_at: u64,
) -> Object<'c> {
    let mut object = composer.object(status);
    object.completed_at = (status == Status::Completed).then_some(completed_at);
    object.incomplete = incomplete;
    object.usage = Some(composer.usage());
    object
}

fn raw(json: &Bytes) -> Result<&serde_json::value::RawValue, EventError> {
    Ok(serde_json::from_slice(json)?)
}
