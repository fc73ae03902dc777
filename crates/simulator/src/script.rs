//! A turn as a script: what the simulator answers, byte for byte when wanted, and when.
//!
//! The same structures are the JSON of `POST /__sim/script`; [`turn()`] builds them in Rust.

mod build;
mod step;

pub use build::turn;
pub use step::{Pieces, RawEvent, Step, StreamError, Thinking, Tool};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One scripted answer. Build it with [`turn()`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// Which requests it is for; by default any `POST /v1/messages`.
    #[serde(rename = "match")]
    pub matching: Match,
    /// How many requests it answers before it is used up; 0 = every one from now on.
    pub times: u32,
    /// What happens before the response's first byte.
    pub before: Vec<Before>,
    /// Answer with this HTTP error instead of the steps.
    pub http_error: Option<HttpError>,
    /// Response headers added to (or put in place of) the usual ones.
    pub headers: BTreeMap<String, String>,
    /// The answer itself, in order.
    pub steps: Vec<Step>,
    /// Milliseconds between one delta and the next.
    pub gap_ms: u64,
    /// Cut the response body into pieces of this many bytes, whatever the events' boundaries; 0 = one piece an event.
    pub chunk_bytes: usize,
    /// Cut the response body at these byte offsets. Waits inside the script cut as well.
    pub cut_at: Vec<usize>,
    /// Token counts to report in place of the computed ones.
    pub usage: UsageScript,
    /// `stop_reason`; by default `tool_use` after a tool call, else `end_turn`.
    pub stop_reason: Option<String>,
    /// `stop_sequence`.
    pub stop_sequence: Option<String>,
    /// `id` of the message; by default a new one.
    pub id: Option<String>,
    /// `model` of the message; by default the request's, with aliases resolved as the API does.
    pub model: Option<String>,
    /// Send only the steps: no `message_start`, no ping, no `message_delta`, no `message_stop`. Streams only.
    pub bare: bool,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            matching: Match::default(),
            times: 1,
            before: Vec::new(),
            http_error: None,
            headers: BTreeMap::new(),
            steps: Vec::new(),
            gap_ms: 0,
            chunk_bytes: 0,
            cut_at: Vec::new(),
            usage: UsageScript::default(),
            stop_reason: None,
            stop_sequence: None,
            id: None,
            model: None,
            bare: false,
        }
    }
}

/// Which requests a turn is for. All given conditions must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// A part of the last user message's text (tool results count as text here).
    pub text: Option<String>,
    /// A part of the model's name.
    pub model: Option<String>,
    /// The exact path; `/v1/messages` when absent. Elsewhere only `before`, `http_error`, `headers` and
    /// `usage.input_tokens` (for `count_tokens`) have an effect.
    pub path: Option<String>,
}

/// Something that happens before the response's first byte.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Wait this many milliseconds.
    PauseMs(u64),
    /// Wait for a release.
    Hold,
    /// Never answer; ends when the client goes.
    Stall,
    /// Close the connection without an answer.
    Close,
}

/// An HTTP error answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpError {
    /// The status.
    pub status: u16,
    /// `error.type`; by default the one that goes with the status.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `error.message`; by default a plausible one.
    pub message: Option<String>,
    /// This body instead of the API's shape (an HTML page of a load balancer, say).
    pub body: Option<String>,
}

impl Default for HttpError {
    fn default() -> Self {
        Self { status: 500, kind: None, message: None, body: None }
    }
}

/// Token counts to report; what is absent is computed (see the crate's documentation).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UsageScript {
    /// Tokens read uncached.
    pub input_tokens: Option<u64>,
    /// Tokens written.
    pub output_tokens: Option<u64>,
    /// Tokens written to the prompt cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Tokens read from the prompt cache.
    pub cache_read_input_tokens: Option<u64>,
    /// `output_tokens_details.thinking_tokens`.
    pub thinking_tokens: Option<u64>,
}
