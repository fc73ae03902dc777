//! Reads usage, model and stop reason from an answer as it passes by.

use crate::{Event, Message, StopReason, Usage};

/// What is known of an answer so far. Never fails: what it can't read it leaves out.
#[derive(Debug, Default)]
pub struct Meter {
    usage: Usage,
    model: Option<String>,
    stop_reason: Option<StopReason>,
    finished: bool,
    failed: Option<String>,
}

impl Meter {
    /// The events worth showing to a meter; others change nothing.
    pub const EVENTS: &'static [&'static str] = &["message_start", "message_delta", "message_stop", "error"];

    /// Takes note of one event.
    pub fn event(&mut self, name: &str, data: &[u8]) {
        if !Self::EVENTS.contains(&name) {
            return;
        }
        match Event::parse(data) {
            Ok(Event::MessageStart(start)) => {
                self.usage.merge(&start.usage);
                self.model = Some(start.model.into_owned());
            }
            Ok(Event::MessageDelta { stop_reason, usage, .. }) => {
                self.usage.merge(&usage);
                self.stop_reason = stop_reason.or(self.stop_reason.take());
            }
            Ok(Event::MessageStop) => self.finished = true,
            Ok(Event::Error(body)) => self.failed = Some(body.kind.into_owned()),
            _ => {}
        }
    }

    /// Takes note of a whole answer that was not streamed.
    pub fn json_answer(&mut self, body: &[u8]) {
        let Ok(message) = Message::parse(body) else { return };
        self.usage = message.usage;
        self.model = Some(message.model.into_owned());
        self.stop_reason = message.stop_reason;
        self.finished = true;
    }

    /// What several answers come to: their counts together, complete when all of them are.
    #[must_use]
    pub fn together<'m>(meters: impl Iterator<Item = &'m Self>) -> Self {
        let mut sum = Self { finished: true, ..Self::default() };
        for meter in meters {
            sum.usage = sum.usage.plus(&meter.usage);
            sum.model = sum.model.or_else(|| meter.model.clone());
            sum.stop_reason = sum.stop_reason.or_else(|| meter.stop_reason.clone());
            sum.failed = sum.failed.or_else(|| meter.failed.clone());
            sum.finished &= meter.finished;
        }
        sum
    }

    /// The counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The model that answers, once it is known.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Why the answer ended, once it is known.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop_reason.as_ref()
    }

    /// Whether the answer is complete.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// The type of the error that ended the stream, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streamed_answer_is_metered_to_its_end() {
        let mut meter = Meter::default();
        meter.event(
            "message_start",
            br#"{"type":"message_start","message":{"id":"m","model":"claude-sonnet-5-5","usage":{"input_tokens":5,"output_tokens":1}}}"#,
        );
        meter.event("content_block_delta", b"never read");
        assert!(!meter.finished());
        meter.event(
            "message_delta",
            br#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12}}"#,
        );
        meter.event("message_stop", br#"{"type":"message_stop"}"#);
        assert_eq!((meter.usage().input_tokens, meter.usage().output_tokens), (5, 12));
        assert_eq!(meter.model(), Some("claude-sonnet-5-5"));
        assert_eq!(meter.stop_reason(), Some(&StopReason::EndTurn));
        assert!(meter.finished() && meter.failed().is_none());
    }

    #[test]
    fn an_error_event_is_a_failure_and_no_end() {
        let mut meter = Meter::default();
        meter.event("error", br#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#);
        assert_eq!(meter.failed(), Some("overloaded_error"));
        assert!(!meter.finished());
    }
}
