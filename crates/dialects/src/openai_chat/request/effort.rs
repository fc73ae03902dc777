//! `reasoning_effort`: effort and thinking, as far as the model and this turn of the conversation take them.
//! <https://platform.claude.com/docs/en/build-with-claude/effort>

use messages::json::{Members, Text};
use messages::{ApiError, Ignored};
use serde::Serialize;

use super::ROOT;
use super::conversation::Conversation;
use super::output::{Block, Placed, ToolChoice, Turn};
use super::sampling::Settings;
use crate::models::{Rules, Thinking};

/// The least that the API takes as a budget.
const LEAST_BUDGET: u64 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingConfig {
    Adaptive,
    Enabled { budget_tokens: u64 },
}

/// What goes into the request.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    pub(super) thinking: Option<ThinkingConfig>,
    pub(super) effort: Option<Effort>,
}

/// What is known of the request around it.
pub(super) struct Surroundings<'r, 'a> {
    pub(super) rules: Rules,
    pub(super) max_tokens: u64,
    pub(super) tool_choice: Option<&'r ToolChoice<'a>>,
    pub(super) conversation: &'r Conversation<'a>,
}

/// Reads `reasoning_effort`. Thinking takes no sampling parameters, so those go.
pub(super) fn read(
    fields: &mut Members<'_>,
    around: &Surroundings<'_, '_>,
    sampling: &mut Settings<'_>,
    ignored: &mut Ignored,
) -> Result<Reasoning, ApiError> {
    let asked: Option<Text<'_>> = fields.optional("reasoning_effort", &ROOT)?;
    let asked = match asked.as_ref().map(|text| &*text.0) {
        None | Some("none") => return Ok(Reasoning::default()),
        Some("minimal" | "low") => Effort::Low,
        Some("medium") => Effort::Medium,
        Some("high") => Effort::High,
        Some("xhigh") => Effort::Xhigh,
        Some("max") => Effort::Max,
        Some(_) => {
            let known = "must be none, minimal, low, medium, high, xhigh or max";
            return Err(ApiError::invalid("reasoning_effort", known));
        }
    };
    let thinking = around.thinking(asked);
    let effort = around.rules.effort.then(|| around.effort(asked));
    if thinking.is_none() && effort.is_none() {
        ignored.note("reasoning_effort");
    }
    if thinking.is_some() {
        sampling.drop_all(ignored);
    }
    Ok(Reasoning { thinking, effort })
}

impl Surroundings<'_, '_> {
    /// The two highest degrees came with the models that think by themselves.
    fn effort(&self, asked: Effort) -> Effort {
        if self.rules.all_efforts { asked } else { asked.min(Effort::High) }
    }

    fn thinking(&self, asked: Effort) -> Option<ThinkingConfig> {
        if self.forces_a_tool() || self.lacks_thinking() || self.is_prefilled() {
            return None;
        }
        match self.rules.thinking {
            Thinking::Adaptive => Some(ThinkingConfig::Adaptive),
            Thinking::Budget if self.max_tokens > LEAST_BUDGET => {
                let percent = match asked {
                    Effort::Low => 20,
                    Effort::Medium => 50,
                    Effort::High => 80,
                    Effort::Xhigh | Effort::Max => 95,
                };
                let share = self.max_tokens.saturating_mul(percent) / 100;
                let budget_tokens = share.max(LEAST_BUDGET).min(self.max_tokens - 1);
                Some(ThinkingConfig::Enabled { budget_tokens })
            }
            Thinking::Budget | Thinking::Unknown => None,
        }
    }

    /// The API refuses thinking together with a forced tool.
    fn forces_a_tool(&self) -> bool {
        self.tool_choice.is_some_and(|choice| matches!(choice.r#type, "any" | "tool"))
    }

    /// Most OpenAI clients drop thinking blocks; the API then refuses thinking for as long as the tool loop runs.
    fn lacks_thinking(&self) -> bool {
        let turns = &self.conversation.turns;
        let is_result = |placed: &Placed<'_>| matches!(placed.block, Block::ToolResult { .. });
        if !self.last_speaker().is_some_and(|turn| turn.content.iter().any(is_result)) {
            return false;
        }
        let calling = turns.iter().rev().find(|turn| turn.role == "assistant");
        calling.is_some_and(|turn| !turn.content.first().is_some_and(|first| first.block.is_thinking()))
    }

    fn is_prefilled(&self) -> bool {
        self.last_speaker().is_some_and(|turn| turn.role == "assistant")
    }

    fn last_speaker(&self) -> Option<&Turn<'_>> {
        self.conversation.turns.iter().rev().find(|turn| turn.role != "system")
    }
}
