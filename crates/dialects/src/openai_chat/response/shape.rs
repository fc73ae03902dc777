//! The parts that an answer and its chunks have in common.

use std::borrow::Cow;

use messages::{StopReason, Usage};
use serde::Serialize;

use crate::openai_chat::Shape;

/// `chatcmpl-` (`cmpl-` for legacy completions) and the message id's own part.
pub(super) fn completion_id(message_id: &str, text: bool) -> String {
    let prefix = if text { "cmpl" } else { "chatcmpl" };
    format!("{prefix}-{}", message_id.strip_prefix("msg_").unwrap_or(message_id))
}

/// Why the model stopped, in OpenAI's words. `calls`: whether the choice shows a call of a tool.
pub(super) fn finish_reason(reason: Option<&StopReason>, shape: &Shape, calls: bool) -> &'static str {
    match reason {
        Some(StopReason::MaxTokens | StopReason::ContextWindow) => "length",
        // A call that is shown as content is no call to those who read it.
        Some(StopReason::ToolUse) if calls => {
            if shape.functions {
                "function_call"
            } else {
                "tool_calls"
            }
        }
        Some(StopReason::Refusal) => "content_filter",
        _ => "stop",
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CompletionUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl From<Usage> for CompletionUsage {
    fn from(usage: Usage) -> Self {
        let prompt_tokens = usage.prompt_tokens();
        Self {
            prompt_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: prompt_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cache_read_input_tokens,
                cache_write_tokens: usage.cache_creation_input_tokens,
            },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.thinking_tokens },
        }
    }
}

/// Thinking with what the API wants to see again; `index` tells which pieces belong together.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReasoningDetail<'a> {
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Cow<'a, str>>,
    pub(super) index: u32,
}

impl<'a> ReasoningDetail<'a> {
    pub(super) fn text(index: u32, text: Option<Cow<'a, str>>, signature: Option<Cow<'a, str>>) -> Self {
        Self { r#type: "reasoning.text", text, signature, data: None, index }
    }

    pub(super) fn encrypted(index: u32, data: Cow<'a, str>) -> Self {
        Self { r#type: "reasoning.encrypted", data: Some(data), index, ..Self::default() }
    }
}
