//! A turn as one JSON message: the same parts, folded.

use super::Envelope;
use super::parts::{Delta, Part, Start};
use super::play::{self, Waiter};
use super::usage::Whole;
use serde::Serialize;
use serde_json::value::RawValue;

/// What came of folding.
pub(super) enum Folded {
    Message(String),
    /// A message of which only half may be sent.
    Half(String),
    /// An HTTP error of this type, with this prose.
    Error(String, String),
    /// No answer at all.
    Closed,
}

/// Folds the parts in their own time: waits are waited for, gaps between deltas add up.
pub(super) async fn fold(envelope: &Envelope, parts: Vec<Part>, gap_ms: u64, waiter: &mut Waiter) -> Folded {
    let mut blocks = Vec::new();
    let mut deltas = 0;
    for part in parts {
        match part {
            Part::Start(start) => blocks.push(Block::from(start)),
            Part::Delta(delta) => {
                if deltas > 0 && gap_ms > 0 {
                    play::pause(gap_ms).await;
                }
                deltas += 1;
                if let Some(block) = blocks.last_mut() {
                    block.grow(delta);
                }
            }
            Part::Pause(ms) => play::pause(ms).await,
            Part::Hold => waiter.hold().await,
            Part::Stall => std::future::pending().await,
            Part::Error { kind, message } => return Folded::Error(kind, message),
            Part::Cut => return Folded::Half(message(envelope, &blocks)),
            Part::Close => return Folded::Closed,
            Part::End => break,
            Part::Stop | Part::Event { .. } | Part::Bytes(_) | Part::Ping => {}
        }
    }
    Folded::Message(message(envelope, &blocks))
}

fn message(envelope: &Envelope, content: &[Block]) -> String {
    let message = Message {
        id: &envelope.id,
        r#type: "message",
        role: "assistant",
        model: &envelope.model,
        content,
        stop_reason: &envelope.stop_reason,
        stop_sequence: envelope.stop_sequence.as_deref(),
        stop_details: None,
        usage: envelope.usage.whole(),
    };
    serde_json::to_string(&message).unwrap_or_default()
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: &'a [Block],
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
    usage: Whole,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block {
    Known(Known),
    Raw(Box<RawValue>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Known {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Box<RawValue>>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(serialize_with = "as_json")]
        input: String,
    },
}

impl From<Start> for Block {
    fn from(start: Start) -> Self {
        Self::Known(match start {
            Start::Text => Known::Text { text: String::new(), citations: Vec::new() },
            Start::Thinking => Known::Thinking { thinking: String::new(), signature: String::new() },
            Start::Redacted(data) => Known::RedactedThinking { data },
            Start::Tool { id, name } => Known::ToolUse { id, name, input: String::new() },
            Start::Raw(block) => return Self::Raw(block),
        })
    }
}

impl Block {
    fn grow(&mut self, delta: Delta) {
        let Self::Known(block) = self else { return };
        match (block, delta) {
            (Known::Text { text, .. }, Delta::Text(more)) => text.push_str(&more),
            (Known::Text { citations, .. }, Delta::Citation(citation)) => citations.push(citation),
            (Known::Thinking { thinking, .. }, Delta::Thinking(more)) => thinking.push_str(&more),
            (Known::Thinking { signature, .. }, Delta::Signature(more)) => signature.push_str(&more),
            (Known::ToolUse { input, .. }, Delta::InputJson(more)) => input.push_str(&more),
            _ => {}
        }
    }
}

/// Tool input as it was scripted; `{}` when the deltas do not add up to JSON.
#[expect(clippy::ptr_arg, reason = "the signature that serde asks for")]
fn as_json<S: serde::Serializer>(input: &String, serializer: S) -> Result<S::Ok, S::Error> {
    let empty = || RawValue::from_string("{}".to_owned());
    match RawValue::from_string(input.clone()).or_else(|_| empty()) {
        Ok(input) => input.serialize(serializer),
        Err(_) => serializer.serialize_unit(),
    }
}
