//! One chunk of a streamed answer, as it is written.
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use std::borrow::Cow;

use serde::Serialize;

use super::annotation::Annotation;
use super::shape::{CompletionUsage, ReasoningDetail};

/// A chunk of either kind of completion: the choices differ.
#[derive(Serialize)]
pub(super) struct Chunk<'a, C> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) choices: &'a [C],
    /// Absent, `null` or the counts: with `include_usage` every chunk has the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<CompletionUsage>>,
}

#[derive(Serialize)]
pub(super) struct Choice<'a> {
    pub(super) index: usize,
    pub(super) delta: ChoiceDelta<'a>,
    pub(super) finish_reason: Option<&'static str>,
}

/// A choice of a legacy completion, whole or in part.
#[derive(Serialize)]
pub(super) struct TextChoice<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) index: usize,
    pub(super) logprobs: Option<()>,
    pub(super) finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
pub(super) struct ChoiceDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<[ToolCallChunk<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionChunk<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<Annotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_details: Option<[ReasoningDetail<'a>; 1]>,
}

#[derive(Default, Serialize)]
pub(super) struct ToolCallChunk<'a> {
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<FunctionChunk<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<CustomChunk<'a>>,
}

#[derive(Serialize)]
pub(super) struct FunctionChunk<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) arguments: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct CustomChunk<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) input: Cow<'a, str>,
}
