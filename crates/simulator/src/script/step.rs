//! The steps of a scripted answer.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One step of an answer. Text after text goes on in the same content block, also across waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Text: one delta, or one for each piece.
    Text(Pieces),
    /// A thinking block with its signature.
    Thinking(Thinking),
    /// A redacted thinking block that hides this text.
    RedactedThinking(String),
    /// A tool call.
    Tool(Tool),
    /// A citation in the open text block.
    Citation(Box<RawValue>),
    /// A whole content block of any kind, sent in `content_block_start`.
    Block(Box<RawValue>),
    /// A delta of any kind in the open block.
    Delta(Box<RawValue>),
    /// Ends the open block, so that text after text starts a new one.
    NextBlock,
    /// An event of any kind, as it stands. Streams only.
    Event(RawEvent),
    /// Bytes as they stand. Streams only.
    Bytes(String),
    /// A `ping` event.
    Ping,
    /// Wait this many milliseconds.
    PauseMs(u64),
    /// Wait for a release.
    Hold,
    /// Hold the connection open and silent until the client goes.
    Stall,
    /// An in-stream `error` event, the last of the stream. Not streamed: an HTTP error.
    Error(StreamError),
    /// Send half an event, then close the connection.
    Cut,
    /// Close the connection between two events.
    Close,
    /// End the response properly, but without `message_delta` and `message_stop`.
    End,
}

/// Text in one piece or several, each a delta of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pieces {
    /// One delta.
    One(String),
    /// A delta each.
    Many(Vec<String>),
}

impl Pieces {
    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text).iter(),
            Self::Many(pieces) => pieces.iter(),
        }
        .map(String::as_str)
    }

    /// The pieces as one text.
    #[must_use]
    pub fn joined(&self) -> String {
        self.iter().collect()
    }
}

/// Thinking, signed as the API would unless a signature is given (such a one is refused when it comes back).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Thinking {
    /// The text; the simulator signs it.
    Signed(Pieces),
    /// The text and a signature of one's own.
    With {
        /// The text.
        text: Pieces,
        /// The signature.
        signature: String,
    },
}

/// A tool call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The tool's name.
    pub name: String,
    /// Its input, sent as it stands in a few deltas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Box<RawValue>>,
    /// The `input_json_delta`s, exactly these, in place of `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deltas: Option<Vec<String>>,
    /// The id; by default a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// An event of any kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEvent {
    /// Its `event:` line.
    pub name: String,
    /// Its `data:` line.
    pub data: Box<RawValue>,
}

/// An in-stream error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamError {
    /// `error.type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `error.message`; by default a plausible one.
    #[serde(default)]
    pub message: Option<String>,
}
