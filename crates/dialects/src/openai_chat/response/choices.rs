//! The stream of one or several choices, which come interleaved as their answers do.

use std::sync::Arc;

use bytes::BytesMut;
use messages::{ApiError, Event, EventError, Usage};

use super::Heading;
use super::chunks::ChunkEncoder;
use crate::openai_chat::error_body;

/// Turns the Messages events of each choice into the chunks of one stream.
#[derive(Debug)]
pub struct ChoicesEncoder {
    choices: Vec<ChunkEncoder>,
    include_usage: bool,
    closed: bool,
    #[cfg(debug_assertions)]
    checker: crate::openai_chat::grammar::Checker,
}

impl ChoicesEncoder {
    /// An encoder for this many choices.
    #[must_use]
    pub fn new(heading: &Heading, count: usize) -> Self {
        let choices = (0..count.max(1)).map(|index| ChunkEncoder::new(heading, index)).collect();
        Self {
            choices,
            include_usage: heading.include_usage,
            closed: false,
            #[cfg(debug_assertions)]
            checker: crate::openai_chat::grammar::Checker::new(count.max(1)),
        }
    }

    /// Writes what this event of a choice says as SSE. After an error (also an `error` event is one) only
    /// [`Self::fail`] may follow.
    ///
    /// # Errors
    /// An event that can't stand where it stands.
    pub fn push(&mut self, choice: usize, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        let Some(encoder) = self.choices.get_mut(choice) else {
            return Err(EventError::OutOfOrder("an event of no choice"));
        };
        let before = out.len();
        encoder.push(event, out)?;
        if let Event::MessageStart(_) = event {
            // One stream has one id, whichever choice began.
            let id = Arc::clone(encoder.id());
            self.choices.iter_mut().for_each(|choice| choice.name(&id));
        }
        self.check(out.get(before..).unwrap_or_default());
        Ok(())
    }

    /// Writes what is told beside a choice's answer: a chunk with this member more.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn beside(
        &mut self,
        choice: usize,
        member: &str,
        json: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), EventError> {
        let Some(encoder) = self.choices.get_mut(choice) else {
            return Err(EventError::OutOfOrder("an event of no choice"));
        };
        let before = out.len();
        encoder.beside(member, json, out)?;
        self.check(out.get(before..).unwrap_or_default());
        Ok(())
    }

    /// Whether every choice is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.choices.iter().all(ChunkEncoder::has_stopped)
    }

    /// The usage chunk, where it was asked for, and `[DONE]`.
    ///
    /// # Errors
    /// Before the last choice is complete: a truncated answer must never look complete.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        if self.closed || !self.is_complete() {
            return Err(EventError::Incomplete);
        }
        let before = out.len();
        let usage = self.choices.iter().fold(Usage::default(), |sum, choice| sum.plus(&choice.usage()));
        if let (true, Some(first)) = (self.include_usage, self.choices.first_mut()) {
            first.tell_usage(usage, out)?;
        }
        self.closed = true;
        wire::sse::write_data(out, b"[DONE]");
        self.check(out.get(before..).unwrap_or_default());
        Ok(())
    }

    /// Ends a stream that can't go on: the error, and no `[DONE]`.
    pub fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        if !self.closed {
            self.closed = true;
            let before = out.len();
            wire::sse::write_data(out, &error_body(error));
            self.check(out.get(before..).unwrap_or_default());
        }
    }

    /// Holds what was written against the grammar.
    #[cfg(debug_assertions)]
    fn check(&mut self, written: &[u8]) {
        let frames = std::str::from_utf8(written).unwrap_or_default();
        for data in frames.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")) {
            let rule = self.checker.push(data.as_bytes());
            debug_assert!(rule.is_ok(), "{rule:?}: {data}");
        }
    }

    #[cfg(not(debug_assertions))]
    const fn check(&self, _written: &[u8]) {}
}
