//! A whole answer: one choice for each Messages answer.

use std::borrow::Cow;

use bytes::Bytes;
use messages::{Block, EventError, Message, StopReason, Usage};
use serde::Serialize;

use super::Heading;
use super::annotation::{self, Annotation};
use super::chunk::TextChoice;
use super::shape::{CompletionUsage, ReasoningDetail, completion_id, finish_reason};
use crate::openai::REFUSED;
use crate::openai::citation::Cited;
use crate::openai::compact::compact;
use crate::openai::input_text;
use crate::openai_chat::Shape;

#[derive(Serialize)]
struct Completion<'a, C> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<C>,
    usage: CompletionUsage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: usize,
    message: ChatMessage<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Default, Serialize)]
struct ChatMessage<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<ReasoningDetail<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
}

#[derive(Serialize)]
struct Custom<'a> {
    name: Cow<'a, str>,
    input: Cow<'a, str>,
}

/// The completion whose choices these Messages answers are, in order; its usage is theirs together.
///
/// # Errors
/// When one of them is no Messages answer.
pub fn encode_answers(answers: &[Bytes], heading: &Heading) -> Result<Bytes, EventError> {
    let answers: Vec<Message<'_>> =
        answers.iter().map(|json| Message::parse(json)).collect::<Result<_, _>>()?;
    let usage = answers.iter().fold(Usage::default(), |sum, answer| sum.plus(&answer.usage));
    let first = answers.first().ok_or(EventError::Incomplete)?;
    let id = completion_id(&first.id, heading.shape.text);
    let answers = answers.into_iter().enumerate();
    let json = if heading.shape.text {
        let choices = answers.map(|(index, answer)| text_choice(index, answer, &heading.shape)).collect();
        heading.completion(id, "text_completion", choices, usage)
    } else {
        let choices = answers.map(|(index, answer)| choice(index, answer, &heading.shape)).collect();
        heading.completion(id, "chat.completion", choices, usage)
    };
    Ok(json?.into())
}

impl Heading {
    fn completion<C: Serialize>(
        &self,
        id: String,
        object: &'static str,
        choices: Vec<C>,
        usage: Usage,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let (created, model) = (self.created, self.asked_model.as_str());
        serde_json::to_vec(&Completion { id, object, created, model, choices, usage: usage.into() })
    }
}

fn text_choice<'a>(index: usize, answer: Message<'a>, shape: &Shape) -> TextChoice<'a> {
    let finish_reason = Some(finish_reason(answer.stop_reason.as_ref(), shape, false));
    let mut text = shape.echo.get(index).cloned().unwrap_or_default();
    for block in answer.content {
        if let Block::Text { text: more, .. } = block {
            text.push_str(&more);
        }
    }
    TextChoice { text: Cow::Owned(text), index, logprobs: None, finish_reason }
}

fn choice<'a>(index: usize, answer: Message<'a>, shape: &Shape) -> Choice<'a> {
    let refused = answer.stop_reason == Some(StopReason::Refusal);
    let mut message = ChatMessage { role: "assistant", ..ChatMessage::default() };
    message.refusal = refused.then(|| answer.refusal.unwrap_or(Cow::Borrowed(REFUSED)));
    let is_content = |block: &Block<'_>| matches!(block, Block::ToolUse { name, .. } if shape.content_tool.as_deref() == Some(name));
    // Prose beside a content that is a tool's input would spoil it.
    let by_tool = answer.content.iter().any(is_content);
    for block in answer.content {
        match block {
            Block::ToolUse { input, .. } if is_content(&block) => {
                message.content.get_or_insert_with(|| compact(input.get()));
            }
            Block::Text { .. } if by_tool => {}
            block => message.take(block, shape),
        }
    }
    let calls = !message.tool_calls.is_empty() || message.function_call.is_some();
    if message.content.is_none() && !calls && !refused {
        message.content = Some(Cow::Borrowed(""));
    }
    let finish_reason = finish_reason(answer.stop_reason.as_ref(), shape, calls);
    Choice { index, message, logprobs: None, finish_reason }
}

impl<'a> ChatMessage<'a> {
    fn take(&mut self, block: Block<'a>, shape: &Shape) {
        match block {
            Block::Text { text, citations } if !text.is_empty() => {
                let length =
                    |content: &Option<Cow<'_, str>>| content.as_ref().map_or(0, |text| text.chars().count());
                let cited = if shape.content_tool.is_some() { Vec::new() } else { Cited::list(citations) };
                let start = if cited.is_empty() { 0 } else { length(&self.content) };
                append(&mut self.content, text);
                if !cited.is_empty() {
                    self.annotations.extend(annotation::annotations(cited, start, length(&self.content)));
                }
            }
            Block::Thinking { thinking, signature } => {
                let signature = (!signature.is_empty()).then_some(signature);
                let index = self.next_detail();
                self.reasoning_details.push(ReasoningDetail::text(index, Some(thinking.clone()), signature));
                if !thinking.is_empty() {
                    append(&mut self.reasoning_content, thinking);
                }
            }
            Block::RedactedThinking { data } => {
                let index = self.next_detail();
                self.reasoning_details.push(ReasoningDetail::encrypted(index, data));
            }
            Block::ToolUse { id, name, input } if shape.custom_tools.contains(&*name) => {
                let custom = Some(Custom { name, input: input_text::whole(input.get()) });
                self.tool_calls.push(ToolCall { id, r#type: "custom", function: None, custom });
            }
            Block::ToolUse { id, name, input } => {
                let function = Function { name, arguments: compact(input.get()) };
                if shape.functions {
                    self.function_call.get_or_insert(function);
                } else {
                    let function = Some(function);
                    self.tool_calls.push(ToolCall { id, r#type: "function", function, custom: None });
                }
            }
            // Server tools and what they found: the text beside them says it in words.
            Block::Text { .. } | Block::Other { .. } => {}
        }
    }

    fn next_detail(&self) -> u32 {
        u32::try_from(self.reasoning_details.len()).unwrap_or(u32::MAX)
    }
}

fn append<'a>(to: &mut Option<Cow<'a, str>>, more: Cow<'a, str>) {
    match to {
        Some(text) => text.to_mut().push_str(&more),
        None => *to = Some(more),
    }
}
