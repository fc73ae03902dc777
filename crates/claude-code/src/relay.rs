//! Decides line by line what of a turn reaches the caller. No I/O.
//!
//! Keeps the promise that a truncated answer never looks complete. When upstream breaks off, the program itself closes
//! the block and the message (`content_block_stop`, a `message_delta` without stop reason, `message_stop`) and reports
//! in a message of its own before or after: nothing of that is relayed. What it says itself is never model text.

use std::sync::Arc;
use std::time::Duration;

use messages::{Block, Event, RawEvent, StopReason};

use crate::errors::Failure;
use crate::protocol::{Incoming, Note, TurnResult};
use crate::tools::Tools;

/// What to do about a line.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing to tell.
    Wait,
    /// An event for the caller.
    Forward(RawEvent),
    /// The last event for the caller: the turn is complete.
    Finish { last: RawEvent, then: Then },
    /// The turn failed.
    Fail(Failure),
}

/// What the program does after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It waits for the next message.
    Rests,
    /// It waits for the results of these calls.
    Waits(Vec<String>),
    /// Nothing more, but it is not sure in what state it is.
    Ends,
    /// It would call upstream again on its own: to go on after the token limit, or for want of text.
    GoesOn,
}

/// Follows one turn.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    tools: Arc<Tools>,
    /// The ids of the calls in this answer.
    calls: Vec<String>,
    /// One of them is of no tool of the caller's: the program would answer it by itself.
    strange: bool,
    started: bool,
    has_text: bool,
    stop: Option<StopReason>,
    note: Option<Note>,
    /// Seconds since 1970 at which the account's window opens again.
    resets_at: Option<u64>,
}

impl Relay {
    /// For a turn whose caller has these tools.
    pub(crate) fn new(tools: Arc<Tools>) -> Self {
        Self { tools, ..Self::default() }
    }

    pub(crate) fn take(&mut self, line: Incoming) -> Step {
        match line {
            Incoming::Event(event) if self.note.is_none() => self.event(event),
            // It was refused and asks again by itself, with less: without an image, say. Nobody wanted that.
            Incoming::Event(event) if event.name == "message_start" => {
                let class = self.note.take().unwrap_or_default().error;
                let result = TurnResult { is_error: true, ..TurnResult::default() };
                Step::Fail(Failure::Refused { result, class, retry_after: None })
            }
            Incoming::Note(note) if !note.about_refusal => {
                self.note = Some(note);
                Step::Wait
            }
            Incoming::RateLimited { resets_at } => {
                self.resets_at = resets_at;
                Step::Wait
            }
            Incoming::Result(result) => {
                let retry_after = self.resets_at.and_then(until);
                let class = self.note.take().unwrap_or_default().error;
                Step::Fail(Failure::Refused { result, class, retry_after })
            }
            Incoming::Event(_)
            | Incoming::Note(_)
            | Incoming::Reply(_)
            | Incoming::Asked { .. }
            | Incoming::Begins { .. }
            | Incoming::ResultsTaken(_)
            | Incoming::Other => Step::Wait,
        }
    }

    fn event(&mut self, event: RawEvent) -> Step {
        match &*event.name {
            // A second answer in one turn is never the caller's.
            "message_start" if self.started => return Step::Wait,
            "message_start" => self.started = true,
            _ if !self.started => return Step::Wait,
            "content_block_start" => return Step::Forward(self.block_start(event)),
            "message_delta" => self.stop = stop_reason(&event),
            "message_stop" => return self.stop_event(event),
            _ => {}
        }
        Step::Forward(event)
    }

    fn block_start(&mut self, event: RawEvent) -> RawEvent {
        match Event::parse(&event.data) {
            Ok(Event::BlockStart { block: Block::Text { .. }, .. }) => self.has_text = true,
            Ok(Event::BlockStart { block: Block::ToolUse { id, name, .. }, .. }) => {
                self.strange |= !self.tools.know(&name);
                self.calls.push(id.into_owned());
            }
            _ => {}
        }
        self.tools.outward(event)
    }

    fn stop_event(&mut self, last: RawEvent) -> Step {
        let Some(stop) = self.stop.take() else {
            // The message was closed by the program: its result says why.
            self.note.get_or_insert_default();
            return Step::Wait;
        };
        let then = match stop {
            StopReason::ToolUse if !self.calls.is_empty() && !self.strange => {
                Then::Waits(std::mem::take(&mut self.calls))
            }
            StopReason::EndTurn | StopReason::StopSequence if self.has_text => Then::Rests,
            StopReason::PauseTurn | StopReason::Refusal if self.has_text => Then::Ends,
            _ => Then::GoesOn,
        };
        Step::Finish { last, then }
    }
}

fn stop_reason(event: &RawEvent) -> Option<StopReason> {
    match Event::parse(&event.data) {
        Ok(Event::MessageDelta { stop_reason, .. }) => stop_reason,
        _ => None,
    }
}

fn until(seconds_since_1970: u64) -> Option<Duration> {
    let then = std::time::UNIX_EPOCH + Duration::from_secs(seconds_since_1970);
    then.duration_since(std::time::SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    use bytes::Bytes;

    const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#;
    const TEXT: &str =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
    const STOP: &str = r#"{"type":"message_stop"}"#;

    fn event(json: &str) -> Incoming {
        Incoming::Event(RawEvent::from_json(Bytes::copy_from_slice(json.as_bytes())).unwrap())
    }

    fn delta(stop_reason: &str) -> Incoming {
        event(&format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":{stop_reason},"stop_sequence":null}},"usage":{{"output_tokens":1}}}}"#
        ))
    }

    fn note(about_refusal: bool) -> Incoming {
        Incoming::Note(Note { error: "server_error".into(), about_refusal })
    }

    fn failed() -> Incoming {
        Incoming::Result(TurnResult { is_error: true, ..TurnResult::default() })
    }

    /// The names of what reached the caller, and how it ended.
    fn run(lines: Vec<Incoming>) -> (Vec<String>, &'static str) {
        run_with(&Arc::default(), lines)
    }

    fn run_with(tools: &Arc<Tools>, lines: Vec<Incoming>) -> (Vec<String>, &'static str) {
        let mut relay = Relay::new(Arc::clone(tools));
        let mut names = Vec::new();
        for line in lines {
            match relay.take(line) {
                Step::Wait => {}
                Step::Forward(event) => names.push(event.name.into_owned()),
                Step::Finish { last, then } => {
                    names.push(last.name.into_owned());
                    let end = match then {
                        Then::GoesOn => "kill",
                        Then::Waits(_) => "waits",
                        Then::Rests | Then::Ends => "done",
                    };
                    return (names, end);
                }
                Step::Fail(_) => return (names, "failed"),
            }
        }
        (names, "open")
    }

    #[test]
    fn a_complete_answer_passes_whole_and_unknown_events_with_it() {
        let lines = vec![
            event(START),
            event(TEXT),
            event(r#"{"type":"brand_new"}"#),
            event(BLOCK_STOP),
            delta("\"end_turn\""),
            event(STOP),
        ];
        let (names, end) = run(lines);
        assert_eq!(end, "done");
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "brand_new",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
    }

    #[test]
    fn an_answer_that_the_program_closed_never_looks_complete() {
        let closed_after_a_note = vec![
            event(START),
            event(TEXT),
            note(false),
            event(BLOCK_STOP),
            delta("null"),
            event(STOP),
            failed(),
        ];
        assert_eq!(
            run(closed_after_a_note),
            (vec!["message_start".into(), "content_block_start".into()], "failed")
        );
        let closed_without_stop_reason =
            vec![event(START), event(TEXT), event(BLOCK_STOP), event(STOP), note(false), failed()];
        let (names, end) = run(closed_without_stop_reason);
        assert!(end == "failed" && !names.contains(&"message_stop".to_string()), "{names:?}");
    }

    #[test]
    fn a_program_that_asks_again_after_a_refusal_is_not_heard() {
        let lines = vec![
            note(false),
            event(START),
            event(TEXT),
            event(BLOCK_STOP),
            delta("\"end_turn\""),
            event(STOP),
        ];
        assert_eq!(run(lines), (vec![], "failed"));
    }

    #[test]
    fn what_the_program_says_itself_is_no_answer() {
        assert_eq!(run(vec![note(false), failed()]), (vec![], "failed"));
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let lines =
            vec![event(START), event(TEXT), event(BLOCK_STOP), note(true), delta("\"refusal\""), event(STOP)];
        assert_eq!(run(lines).1, "done");
    }

    #[test]
    fn a_program_that_would_call_again_is_stopped() {
        let cut =
            |reason: &str| vec![event(START), event(TEXT), event(BLOCK_STOP), delta(reason), event(STOP)];
        for reason in ["\"max_tokens\"", "\"model_context_window_exceeded\"", "\"tool_use\"", "\"brand_new\""]
        {
            assert_eq!(run(cut(reason)).1, "kill", "{reason}");
        }
        assert_eq!(run(vec![event(START), delta("\"end_turn\""), event(STOP)]).1, "kill");
    }

    #[test]
    fn an_answer_with_calls_waits_for_their_results() {
        let call = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"mcp__client__NAME","input":{}}}"#;
        let tools = r#"[{"name":"known","input_schema":{"type":"object"}}]"#;
        let tools = serde_json::value::RawValue::from_string(tools.into()).unwrap();
        let tools = Arc::new(Tools::read(Some(&tools), &mut messages::Ignored::default()).unwrap());
        for (name, expected) in [("known", "waits"), ("strange", "kill")] {
            let call = event(&call.replace("NAME", name));
            let lines = vec![event(START), call, event(BLOCK_STOP), delta("\"tool_use\""), event(STOP)];
            assert_eq!(run_with(&tools, lines).1, expected, "{name}");
        }
    }

    #[test]
    fn a_result_without_an_answer_is_a_failure() {
        assert_eq!(run(vec![Incoming::Result(TurnResult::default())]), (vec![], "failed"));
    }
}
