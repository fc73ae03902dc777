//! One event of a Messages stream: <https://platform.claude.com/docs/en/build-with-claude/streaming>

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::block::Kind;
use crate::json::Text;
use crate::{Block, Delta, StopReason, Usage};

/// One event as raw JSON: `name` is its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// The event's type, also its SSE event name.
    pub name: Cow<'static, str>,
    /// The event: a JSON object with that `type`.
    pub data: Bytes,
}

impl RawEvent {
    /// The event that this JSON object is; its name is read from `type`, without an allocation for known ones.
    pub fn from_json(data: Bytes) -> Result<Self, EventError> {
        let Kind { kind } = serde_json::from_slice(&data)?;
        Ok(Self {
            name: known_name(&kind).map_or_else(|| Cow::Owned(kind.into_owned()), Cow::Borrowed),
            data,
        })
    }
}

fn known_name(kind: &str) -> Option<&'static str> {
    const NAMES: [&str; 8] = [
        "content_block_delta",
        "content_block_start",
        "content_block_stop",
        "message_start",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    ];
    NAMES.into_iter().find(|name| *name == kind)
}

/// An event that is not what the API's documentation says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or a member is missing or of another type. Says where, never what was there.
    #[error("malformed event: {0}")]
    Malformed(String),
    /// An event that can't come at this point.
    #[error("event out of order: {0}")]
    OutOfOrder(&'static str),
    /// The stream ended before the message did.
    #[error("the stream ended before message_stop")]
    Incomplete,
    /// Upstream sent an `error` event.
    #[error("upstream error: {0}")]
    Upstream(String),
}

impl From<serde_json::Error> for EventError {
    fn from(error: serde_json::Error) -> Self {
        // Only the place: serde's words may quote the answer.
        let category = if error.is_data() { "unexpected shape" } else { "not JSON" };
        Self::Malformed(format!("{category} at line {} column {}", error.line(), error.column()))
    }
}

/// The head of an answer.
#[derive(Debug)]
pub struct MessageStart<'a> {
    /// The message's id.
    pub id: Cow<'a, str>,
    /// The model that answers.
    pub model: Cow<'a, str>,
    /// Input counts (output is not yet known).
    pub usage: Usage,
}

/// What an `error` event or body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// The error's `type`.
    pub kind: Cow<'a, str>,
    /// The error's message.
    pub message: Cow<'a, str>,
}

impl<'a> ErrorBody<'a> {
    /// Reads `{"type":"error","error":{…}}`, the shape of both an error answer and an error event.
    #[must_use]
    pub fn parse(json: &'a [u8]) -> Option<Self> {
        let Envelope { error } = serde_json::from_slice(json).ok()?;
        Self::read(error?)
    }

    fn read(raw: &'a RawValue) -> Option<Self> {
        let ErrorWire { kind, message } = serde_json::from_str(raw.get()).ok()?;
        Some(Self { kind: kind.unwrap_or_default().0, message: message.unwrap_or_default().0 })
    }
}

/// One event, read.
#[derive(Debug)]
pub enum Event<'a> {
    /// The answer begins.
    MessageStart(MessageStart<'a>),
    /// A content block begins.
    BlockStart {
        /// Its place in the content.
        index: u32,
        /// The block as far as it is known.
        block: Block<'a>,
    },
    /// A content block grows.
    BlockDelta {
        /// Which block.
        index: u32,
        /// By what.
        delta: Delta<'a>,
    },
    /// A content block is complete.
    BlockStop {
        /// Which block.
        index: u32,
    },
    /// The answer's end is known.
    MessageDelta {
        /// Why it ended.
        stop_reason: Option<StopReason>,
        /// The stop sequence that came up.
        stop_sequence: Option<Cow<'a, str>>,
        /// The explanation of a refusal.
        refusal: Option<Cow<'a, str>>,
        /// Cumulative counts.
        usage: Usage,
    },
    /// The answer is complete.
    MessageStop,
    /// A sign of life.
    Ping,
    /// Upstream gave up.
    Error(ErrorBody<'a>),
    /// A kind that came after this was written.
    Other,
}

/// Members of all kinds at once; each is read only once the kind is known.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    index: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    content_block: Option<&'a RawValue>,
    delta: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct HeadWire<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct EndWire<'a> {
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    stop_sequence: Option<Text<'a>>,
    stop_details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StopDetails<'a> {
    #[serde(borrow)]
    explanation: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    message: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The explanation in `stop_details`, if it has one that can be read.
pub(crate) fn explanation(details: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let StopDetails { explanation } = serde_json::from_str(details?.get()).ok()?;
    explanation.map(|text| text.0)
}

impl<'a> Event<'a> {
    /// Reads an event from its JSON object.
    pub fn parse(data: &'a [u8]) -> Result<Self, EventError> {
        let wire: Wire<'a> = serde_json::from_slice(data)?;
        match &*wire.kind {
            "message_start" => Self::message_start(&wire),
            "content_block_start" => {
                let block = Block::read(member(wire.content_block, "content_block")?);
                Ok(Self::BlockStart { index: wire.index()?, block: block? })
            }
            "content_block_delta" => {
                let delta = Delta::read(member(wire.delta, "delta")?)?;
                Ok(Self::BlockDelta { index: wire.index()?, delta })
            }
            "content_block_stop" => Ok(Self::BlockStop { index: wire.index()? }),
            "message_delta" => Self::message_delta(&wire),
            "message_stop" => Ok(Self::MessageStop),
            "ping" => Ok(Self::Ping),
            "error" => {
                let body = wire.error.and_then(ErrorBody::read);
                let unknown = ErrorBody { kind: "api_error".into(), message: "".into() };
                Ok(Self::Error(body.unwrap_or(unknown)))
            }
            _ => Ok(Self::Other),
        }
    }

    fn message_start(wire: &Wire<'a>) -> Result<Self, EventError> {
        let message = member(wire.message, "message")?;
        let HeadWire { id, model, usage } = serde_json::from_str(message.get())?;
        Ok(Self::MessageStart(MessageStart { id, model, usage: Usage::read(usage) }))
    }

    fn message_delta(wire: &Wire<'a>) -> Result<Self, EventError> {
        let delta = member(wire.delta, "delta")?;
        let end: EndWire<'a> = serde_json::from_str(delta.get())?;
        Ok(Self::MessageDelta {
            stop_reason: end.stop_reason.map(|text| StopReason::parse(text.0)),
            stop_sequence: end.stop_sequence.map(|text| text.0),
            refusal: explanation(end.stop_details),
            usage: Usage::read(wire.usage),
        })
    }
}

impl Wire<'_> {
    fn index(&self) -> Result<u32, EventError> {
        let index = member(self.index, "index")?;
        index.get().parse().map_err(|_| EventError::Malformed("index is no block index".into()))
    }
}

fn member<'a>(raw: Option<&'a RawValue>, name: &str) -> Result<&'a RawValue, EventError> {
    raw.ok_or_else(|| EventError::Malformed(format!("{name} is missing")))
}
