//! Why the model stopped.

use std::borrow::Cow;

/// The `stop_reason` of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The model had said all.
    EndTurn,
    /// `max_tokens` was reached.
    MaxTokens,
    /// One of the caller's stop sequences came up.
    StopSequence,
    /// The model wants tools to be called.
    ToolUse,
    /// A long turn was paused.
    PauseTurn,
    /// The answer was withheld.
    Refusal,
    /// The context window is full.
    ContextWindow,
    /// One that came after this was written.
    Other(String),
}

impl StopReason {
    /// Reads the name of the API.
    #[must_use]
    pub fn parse(name: Cow<'_, str>) -> Self {
        match &*name {
            "end_turn" => Self::EndTurn,
            "max_tokens" => Self::MaxTokens,
            "stop_sequence" => Self::StopSequence,
            "tool_use" => Self::ToolUse,
            "pause_turn" => Self::PauseTurn,
            "refusal" => Self::Refusal,
            "model_context_window_exceeded" => Self::ContextWindow,
            _ => Self::Other(name.into_owned()),
        }
    }

    /// The name of the API.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::PauseTurn => "pause_turn",
            Self::Refusal => "refusal",
            Self::ContextWindow => "model_context_window_exceeded",
            Self::Other(name) => name,
        }
    }
}
