//! Chat completion chunks of one or several answers, and what of their thinking is remembered.

use backends::AGENT_EVENT;
use bytes::BytesMut;
use dialects::openai_chat::{ChoicesEncoder, Heading};
use messages::{ApiError, Event, RawEvent};

use super::sink::Unreadable;
use crate::thoughts::{ThoughtKeeper, ThoughtStream};

/// Writes the events of an answer's choices.
pub(crate) struct ChatSink {
    encoder: ChoicesEncoder,
    thoughts: Vec<ThoughtStream>,
}

impl ChatSink {
    pub(crate) fn new(heading: &Heading, keeper: &ThoughtKeeper, choices: usize) -> Self {
        let thoughts = (0..choices).map(|_| keeper.clone().stream()).collect();
        Self { encoder: ChoicesEncoder::new(heading, choices), thoughts }
    }

    /// Writes what an event of this choice becomes; often nothing.
    pub(crate) fn push(
        &mut self,
        choice: usize,
        event: &RawEvent,
        out: &mut BytesMut,
    ) -> Result<(), Unreadable> {
        if event.name == AGENT_EVENT {
            let written = self.encoder.beside(choice, AGENT_EVENT, &event.data, out);
            return written.map_err(|error| Unreadable(error.to_string()));
        }
        let event = Event::parse(&event.data).map_err(|error| Unreadable(error.to_string()))?;
        if let Some(thoughts) = self.thoughts.get_mut(choice) {
            thoughts.push(&event);
        }
        self.encoder.push(choice, &event, out).map_err(|error| Unreadable(error.to_string()))
    }

    /// Writes the end once every choice is complete.
    pub(crate) fn finish(&mut self, out: &mut BytesMut) -> Result<(), Unreadable> {
        self.encoder.finish(out).map_err(|error| Unreadable(error.to_string()))
    }

    /// Writes the end of a broken answer.
    pub(crate) fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        self.encoder.fail(error, out);
    }

    /// Writes what tells a waiting client that the stream is alive.
    pub(crate) fn keep_alive(out: &mut BytesMut) {
        wire::sse::write_comment(out, "keep-alive");
    }
}
