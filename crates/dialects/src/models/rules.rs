//! What a generation of models takes and what it answers with a 400.
//! <https://platform.claude.com/docs/en/about-claude/models/overview>

use serde::Deserialize;

/// Sampling parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// `temperature` and `top_p` together.
    Free,
    /// One of the two.
    One,
    /// None at all.
    Refused,
}

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// `{"type":"enabled","budget_tokens":…}`.
    Budget,
    /// `{"type":"adaptive"}` beside `output_config.effort`.
    Adaptive,
    /// Not known: better not at all.
    Unknown,
}

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Rules {
    /// Sampling parameters.
    pub sampling: Sampling,
    /// Whether a conversation may end in an assistant message that the answer continues.
    pub prefill: bool,
    /// Whether `role: system` may stand inside `messages`.
    pub system_turns: bool,
    /// Whether `output_config.effort` is known.
    pub effort: bool,
    /// Whether effort goes beyond `high`: `xhigh` and `max`.
    pub all_efforts: bool,
    /// Whether `output_config.format` is known.
    #[serde(default)]
    pub structured_outputs: bool,
    /// How thinking is asked for.
    pub thinking: Thinking,
}

impl Rules {
    /// For a model that nothing is known of (a name of the user's own behind another endpoint): all that every
    /// Messages API knows, nothing refused on its behalf.
    pub const UNKNOWN: Self = Self {
        sampling: Sampling::Free,
        prefill: true,
        system_turns: false,
        effort: false,
        all_efforts: false,
        structured_outputs: false,
        thinking: Thinking::Unknown,
    };
}
