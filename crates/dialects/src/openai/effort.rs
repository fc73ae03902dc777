//! How much reasoning: effort and thinking, as far as the model and this turn of the conversation take them.
//! <https://platform.claude.com/docs/en/build-with-claude/effort>

use messages::json::Path;
use messages::{ApiError, Ignored};
use serde::Serialize;

use super::output::{Block, Placed, ToolChoice, Turn};
use super::sampling::Settings;
use super::turns::Conversation;
use crate::models::{Rules, Thinking};

/// The least that the API takes as a budget.
const LEAST_BUDGET: u64 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ThinkingConfig {
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<Display>,
    },
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<Display>,
    },
}

/// Whether thinking is told; without a wish the model's own default holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Display {
    Summarized,
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// `None` leaves the degree to the model.
    pub(crate) effort: Option<Effort>,
    pub(crate) display: Option<Display>,
}

/// What goes into the request.
#[derive(Debug, Default)]
pub(crate) struct Reasoning {
    pub(crate) thinking: Option<ThinkingConfig>,
    pub(crate) effort: Option<Effort>,
}

/// What is known of the request around it.
pub(crate) struct Surroundings<'r, 'a> {
    pub(crate) rules: Rules,
    pub(crate) max_tokens: u64,
    pub(crate) tool_choice: Option<&'r ToolChoice<'a>>,
    pub(crate) conversation: &'r Conversation<'a>,
}

/// Reads the name of a degree; `None` for no reasoning.
pub(crate) fn degree(name: &str, at: &Path<'_>) -> Result<Option<Effort>, ApiError> {
    match name {
        "none" => Ok(None),
        "minimal" | "low" => Ok(Some(Effort::Low)),
        "medium" => Ok(Some(Effort::Medium)),
        "high" => Ok(Some(Effort::High)),
        "xhigh" => Ok(Some(Effort::Xhigh)),
        "max" => Ok(Some(Effort::Max)),
        _ => Err(at.invalid("must be none, minimal, low, medium, high, xhigh or max")),
    }
}

impl Surroundings<'_, '_> {
    /// What of the wish this model and turn take. Thinking takes no sampling parameters, so those go. `name` is the
    /// parameter's, for what is ignored.
    pub(crate) fn reasoning(
        &self,
        wish: Wish,
        name: &str,
        sampling: &mut Settings<'_>,
        ignored: &mut Ignored,
    ) -> Reasoning {
        let thinking = self.thinking(wish);
        let effort = wish.effort.filter(|_| self.rules.effort).map(|asked| self.effort(asked));
        if thinking.is_none() && effort.is_none() {
            ignored.note(name);
        }
        if thinking.is_some() {
            sampling.drop_all(ignored);
        }
        Reasoning { thinking, effort }
    }

    /// The two highest degrees came with the models that think by themselves.
    fn effort(&self, asked: Effort) -> Effort {
        if self.rules.all_efforts { asked } else { asked.min(Effort::High) }
    }

    fn thinking(&self, wish: Wish) -> Option<ThinkingConfig> {
        if self.forces_a_tool() || self.lacks_thinking() || self.is_prefilled() {
            return None;
        }
        match self.rules.thinking {
            Thinking::Adaptive => Some(ThinkingConfig::Adaptive { display: wish.display }),
            Thinking::Budget if self.max_tokens > LEAST_BUDGET => {
                let percent = match wish.effort.unwrap_or(Effort::Medium) {
                    Effort::Low => 20,
                    Effort::Medium => 50,
                    Effort::High => 80,
                    Effort::Xhigh | Effort::Max => 95,
                };
                let share = self.max_tokens.saturating_mul(percent) / 100;
                let budget_tokens = share.max(LEAST_BUDGET).min(self.max_tokens - 1);
                Some(ThinkingConfig::Enabled { budget_tokens, display: wish.display })
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
