//! A whole answer.

use std::borrow::Cow;

use bytes::Bytes;
use messages::{Block, EventError, Message, StopReason};
use serde::Serialize;

use super::compact::compact;
use super::shape::{CompletionUsage, REFUSED, ReasoningDetail, completion_id, finish_reason};

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: CompletionUsage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
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
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<ReasoningDetail<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
}

/// The chat completion that this Messages answer is. `created` is in seconds since 1970.
pub fn encode_answer(messages_json: &[u8], asked_model: &str, created: u64) -> Result<Bytes, EventError> {
    let answer = Message::parse(messages_json)?;
    let refused = answer.stop_reason == Some(StopReason::Refusal);
    let mut message = ChatMessage { role: "assistant", ..ChatMessage::default() };
    message.refusal = refused.then(|| answer.refusal.unwrap_or(Cow::Borrowed(REFUSED)));
    for block in answer.content {
        message.take(block);
    }
    if message.content.is_none() && message.tool_calls.is_empty() && !refused {
        message.content = Some(Cow::Borrowed(""));
    }
    let finish_reason = finish_reason(answer.stop_reason.as_ref());
    let completion = Completion {
        id: completion_id(&answer.id),
        object: "chat.completion",
        created,
        model: asked_model,
        choices: [Choice { index: 0, message, logprobs: None, finish_reason }],
        usage: answer.usage.into(),
    };
    Ok(serde_json::to_vec(&completion)?.into())
}

impl<'a> ChatMessage<'a> {
    fn take(&mut self, block: Block<'a>) {
        match block {
            Block::Text { text, .. } if !text.is_empty() => append(&mut self.content, text),
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
            Block::ToolUse { id, name, input } => {
                let function = Function { name, arguments: compact(input.get()) };
                self.tool_calls.push(ToolCall { id, r#type: "function", function });
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
