//! A turn as server-sent events, written the way the API writes them: `type` first, and spaces before the last
//! brace, which the API adds so that the length tells nothing about the text.

use super::Envelope;
use super::parts::{Delta, Part, Start};
use super::play::Act;
use super::recut::recut;
use super::usage::{Final, Whole};
use crate::refusal;
use crate::script::Turn;
use serde::Serialize;
use serde_json::value::RawValue;

const HALF_AN_EVENT: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delt";

/// What a stream sends, and when.
pub(super) fn acts(turn: &Turn, envelope: &Envelope, parts: Vec<Part>) -> Vec<Act> {
    let mut stream = Stream { acts: Vec::new(), starts: 0, deltas: 0, events: 0, gap_ms: turn.gap_ms };
    if !turn.bare {
        stream.message_start(envelope);
    }
    let ended = parts.into_iter().any(|part| stream.part(part, envelope, turn.bare));
    if !turn.bare && !ended {
        stream.message_end(envelope);
    }
    recut(stream.acts, turn)
}

struct Stream {
    acts: Vec<Act>,
    /// Blocks, deltas and events so far.
    starts: usize,
    deltas: usize,
    events: usize,
    gap_ms: u64,
}

impl Stream {
    /// Adds a part; true when nothing comes after it.
    fn part(&mut self, part: Part, envelope: &Envelope, bare: bool) -> bool {
        let last = matches!(part, Part::Error { .. } | Part::Stall | Part::Cut | Part::Close | Part::End);
        match part {
            Part::Start(start) => self.block_start(start, bare),
            Part::Delta(delta) => self.delta(delta),
            Part::Stop => {
                let index = self.index();
                self.event("content_block_stop", &Stop { r#type: "content_block_stop", index });
            }
            Part::Event { name, data } => self.send(&name, data.get()),
            Part::Bytes(bytes) => self.acts.push(Act::Send(bytes.into_bytes())),
            Part::Ping => self.ping(),
            Part::Pause(ms) => self.acts.push(Act::Pause(ms)),
            Part::Hold => self.acts.push(Act::Hold),
            Part::Stall => self.acts.push(Act::Stall),
            Part::Error { kind, message } => {
                self.send("error", &refusal::body(&kind, &message, Some(&envelope.request_id)));
            }
            Part::Cut => self.acts.extend([Act::Send(HALF_AN_EVENT.to_vec()), Act::Abort]),
            Part::Close => self.acts.push(Act::Abort),
            Part::End => {}
        }
        last
    }

    fn message_start(&mut self, envelope: &Envelope) {
        let message = Message {
            id: &envelope.id,
            r#type: "message",
            role: "assistant",
            model: &envelope.model,
            content: [],
            stop_reason: None,
            stop_sequence: None,
            stop_details: None,
            usage: envelope.usage.at_start(),
        };
        self.event("message_start", &MessageStart { r#type: "message_start", message });
    }

    fn message_end(&mut self, envelope: &Envelope) {
        let delta = StopDelta {
            stop_reason: &envelope.stop_reason,
            stop_sequence: envelope.stop_sequence.as_deref(),
            stop_details: None,
        };
        let usage = envelope.usage.at_end();
        self.event("message_delta", &MessageDelta { r#type: "message_delta", delta, usage });
        self.event("message_stop", &Bare { r#type: "message_stop" });
    }

    fn block_start(&mut self, start: Start, bare: bool) {
        self.starts += 1;
        let content_block = match start {
            Start::Text => Block::Text { text: "" },
            Start::Thinking => Block::Thinking { thinking: "", signature: "" },
            Start::Redacted(data) => Block::RedactedThinking { data },
            Start::Tool { id, name } => Block::ToolUse { id, name, input: Empty {} },
            Start::Raw(block) => return self.raw_start(&block),
        };
        let index = self.index();
        self.event(
            "content_block_start",
            &BlockStart { r#type: "content_block_start", index, content_block },
        );
        if self.starts == 1 && !bare {
            self.ping();
        }
    }

    fn raw_start(&mut self, content_block: &RawValue) {
        let index = self.index();
        self.event(
            "content_block_start",
            &BlockStart { r#type: "content_block_start", index, content_block },
        );
    }

    fn delta(&mut self, delta: Delta) {
        if self.deltas > 0 && self.gap_ms > 0 {
            self.acts.push(Act::Pause(self.gap_ms));
        }
        self.deltas += 1;
        let delta = match delta {
            Delta::Text(text) => Change::TextDelta { text },
            Delta::Thinking(thinking) => Change::ThinkingDelta { thinking },
            Delta::Signature(signature) => Change::SignatureDelta { signature },
            Delta::InputJson(partial_json) => Change::InputJsonDelta { partial_json },
            Delta::Citation(citation) => Change::CitationsDelta { citation },
            Delta::Raw(delta) => return self.block_delta(&delta),
        };
        self.block_delta(&delta);
    }

    fn block_delta<D: Serialize + ?Sized>(&mut self, delta: &D) {
        let index = self.index();
        self.event("content_block_delta", &BlockDelta { r#type: "content_block_delta", index, delta });
    }

    fn ping(&mut self) {
        self.send("ping", r#"{"type": "ping"}"#);
    }

    /// The index of the block last started.
    fn index(&self) -> usize {
        self.starts.saturating_sub(1)
    }

    fn event(&mut self, name: &str, data: &impl Serialize) {
        let mut json = serde_json::to_string(data).unwrap_or_default();
        if json.pop() == Some('}') {
            self.events += 1;
            json.extend(std::iter::repeat_n(' ', self.events * 5 % 11));
            json.push('}');
        }
        self.send(name, &json);
    }

    fn send(&mut self, name: &str, data: &str) {
        self.acts.push(Act::Send(format!("event: {name}\ndata: {data}\n\n").into_bytes()));
    }
}

#[derive(Serialize)]
struct MessageStart<'a> {
    r#type: &'static str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    stop_details: Option<()>,
    usage: Whole,
}

#[derive(Serialize)]
struct BlockStart<B> {
    r#type: &'static str,
    index: usize,
    content_block: B,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text { text: &'static str },
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: String },
    ToolUse { id: String, name: String, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct BlockDelta<D> {
    r#type: &'static str,
    index: usize,
    delta: D,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the API's own names")]
enum Change {
    TextDelta { text: String },
    ThinkingDelta { thinking: String },
    SignatureDelta { signature: String },
    InputJsonDelta { partial_json: String },
    CitationsDelta { citation: Box<RawValue> },
}

#[derive(Serialize)]
struct Stop {
    r#type: &'static str,
    index: usize,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    r#type: &'static str,
    delta: StopDelta<'a>,
    usage: Final,
}

#[derive(Serialize)]
struct StopDelta<'a> {
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
}

#[derive(Serialize)]
struct Bare {
    r#type: &'static str,
}
