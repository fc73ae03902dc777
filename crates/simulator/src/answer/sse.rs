//! A turn as a stream: server-sent events, or AWS's frames around the same events, written the way the API writes them: `type` first, and spaces before the last
//! brace, which the API adds so that the length tells nothing about the text.

use super::Envelope;
use super::parts::{Delta, Part, Start};
use super::play::Act;
use super::recut::recut;
use super::usage::{Final, Whole};
use crate::aws::event_stream;
use crate::face::Face;
use crate::refusal::{self, Refusal};
use crate::script::Turn;
use serde::Serialize;
use serde_json::value::RawValue;

const HALF_AN_EVENT: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delt";

/// What a stream sends, and when.
pub(super) fn acts(turn: &Turn, envelope: &Envelope, parts: Vec<Part>) -> Vec<Act> {
    let face = envelope.face;
    let mut stream = Stream { face, acts: Vec::new(), starts: 0, deltas: 0, events: 0, gap_ms: turn.gap_ms };
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
    face: Face,
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
                self.error(&Refusal::new(refusal::status_of(&kind), &kind, message), envelope);
            }
            Part::Cut => self.cut(),
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
        let metrics = (self.face == Face::Aws).then(|| envelope.usage.in_and_out()).map(Metrics::from);
        self.event("message_stop", &MessageStop { r#type: "message_stop", metrics });
    }

    fn error(&mut self, refusal: &Refusal, envelope: &Envelope) {
        match self.face {
            Face::Aws => self.acts.push(Act::Send(event_stream::ended(refusal))),
            _ => self
                .send("error", &refusal::body(&refusal.kind, &refusal.message, Some(&envelope.request_id))),
        }
    }

    /// Half of an event, then nothing.
    fn cut(&mut self) {
        let half = match self.face {
            Face::Aws => {
                let mut frame = event_stream::chunk(r#"{"type":"content_block_delta","index":0}"#);
                frame.truncate(frame.len() / 2);
                frame
            }
            _ => HALF_AN_EVENT.to_vec(),
        };
        self.acts.extend([Act::Send(half), Act::Abort]);
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
        if self.starts == 1 && !bare && self.face != Face::Aws {
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
        self.acts.push(Act::Send(match self.face {
            Face::Aws => event_stream::chunk(data),
            _ => format!("event: {name}\ndata: {data}\n\n").into_bytes(),
        }));
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
struct MessageStop {
    r#type: &'static str,
    #[serde(rename = "amazon-bedrock-invocationMetrics", skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    input_token_count: u64,
    output_token_count: u64,
    invocation_latency: u64,
    first_byte_latency: u64,
}

impl From<(u64, u64)> for Metrics {
    fn from((input_token_count, output_token_count): (u64, u64)) -> Self {
        Self { input_token_count, output_token_count, invocation_latency: 700, first_byte_latency: 300 }
    }
}
