//! The messages: who spoke, in turns as the Messages API wants them, every tool call answered.

use std::borrow::Cow;
use std::collections::HashMap;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::assistant::{self, FUNCTION_CALL, ToolCall};
use super::content::{self, Speaker};
use crate::models::Rules;
use crate::openai::ROOT;
use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Placed};
use crate::openai::thought::{ThinkingBlock, Thought};
use crate::openai::turns::{Conversation, Turns};

/// What is known around the messages.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) rules: Rules,
    /// The thinking before a call, by the call's id.
    pub(super) recall: &'k dyn Fn(&str) -> Option<Thought>,
}

/// A tool call that waits for its `tool` message.
struct Call {
    /// The id as the API takes it: its alphabet, unique in the conversation.
    id: String,
    /// The tool.
    name: String,
    /// Its place among the calls of its message, and its path.
    index: usize,
    path: String,
}

struct Builder<'a, 'i> {
    turns: Turns<'a>,
    /// By the id that the caller gave.
    waiting: HashMap<Cow<'a, str>, Call>,
    known: Known<'i>,
    ignored: &'i mut Ignored,
}

/// Reads `messages`.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    known: Known<'_>,
    ignored: &mut Ignored,
) -> Result<Conversation<'a>, ApiError> {
    let messages: Vec<&'a RawValue> = fields.required("messages", &ROOT)?;
    let at = ROOT.key("messages");
    let turns = Turns::new(known.rules, messages.len());
    let mut builder = Builder { turns, waiting: HashMap::new(), known, ignored };
    let last = messages.len().saturating_sub(1);
    for (index, message) in messages.into_iter().enumerate() {
        builder.message(json::read(message.get(), &at.index(index))?, &at.index(index))?;
    }
    builder.all_answered()?;
    builder.turns.finish(&at, &at.index(last))
}

impl<'a> Builder<'a, '_> {
    fn message(&mut self, mut message: Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(role) = message.required("role", at)?;
        match &*role {
            "system" | "developer" => self.system(&mut message, at)?,
            "user" => self.user(&mut message, at)?,
            "assistant" => self.assistant(&mut message, at)?,
            "tool" => self.tool(&mut message, at)?,
            "function" => self.function(&mut message, at)?,
            _ => {
                let roles = "must be system, developer, user, assistant, tool or function";
                return Err(at.key("role").invalid(roles));
            }
        }
        self.ignored.rest_below(message, "messages");
        Ok(())
    }

    /// The blocks of a message's content; the message's own `cache_control` goes to the last of them.
    fn content(
        &mut self,
        message: &mut Members<'a>,
        at: &Path<'_>,
        speaker: Speaker,
    ) -> Result<Vec<Placed<'a>>, ApiError> {
        let cache_control = content::cache_control(message, at)?;
        let Some(raw) = message.take("content") else {
            return Err(at.key("content").invalid("field required"));
        };
        let mut blocks = content::read(raw, &at.key("content"), speaker, self.ignored)?;
        content::mark(blocks.last_mut().map(|last| &mut last.block), cache_control);
        Ok(blocks)
    }

    fn system(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let blocks = self.content(message, at, Speaker::System)?;
        self.turns.system(blocks);
        Ok(())
    }

    fn user(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        self.all_answered()?;
        let blocks = self.content(message, at, Speaker::User)?;
        self.turns.user(blocks);
        Ok(())
    }

    fn assistant(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        self.all_answered()?;
        let cache_control = content::cache_control(message, at)?;
        let said = assistant::read(message, at, self.ignored)?;
        let sent_back = !said.thinking.blocks.is_empty();
        let remembered = Origin::at(at, Member::Remembered);
        let remembered = |block: ThinkingBlock| Block::from(block).placed(remembered);
        let mut opening = said.thinking.blocks;
        let mut blocks = said.blocks;
        for (index, call) in said.calls.into_iter().enumerate() {
            let thought = if sent_back { None } else { (self.known.recall)(&call.id) };
            let thought = thought.unwrap_or_default();
            opening.extend(thought.opening.into_iter().map(remembered));
            blocks.extend(thought.before.into_iter().map(remembered));
            blocks.push(self.call(call, index, at)?);
        }
        if said.thinking.unsigned && opening.is_empty() {
            self.ignored.note("messages.reasoning_content");
        }
        opening.append(&mut blocks);
        content::mark(opening.last_mut().map(|last| &mut last.block), cache_control);
        self.turns.assistant(opening);
        Ok(())
    }

    /// A call as the API takes it; from now on it waits for its result.
    fn call(&mut self, call: ToolCall<'a>, index: usize, at: &Path<'_>) -> Result<Placed<'a>, ApiError> {
        let calls_at = at.key("tool_calls");
        let call_at = calls_at.index(index);
        let id_at = if call.id == FUNCTION_CALL { at.key(FUNCTION_CALL) } else { call_at.key("id") };
        let id = self.wire_id(&call.id, &id_at)?;
        let waits =
            Call { id: id.clone(), name: call.name.clone().into_owned(), index, path: id_at.to_string() };
        self.waiting.insert(call.id, waits);
        let ToolCall { name, input, member, .. } = call;
        let called = Block::ToolUse { id: Cow::Owned(id), name, input, cache_control: None };
        Ok(called.placed(Origin::at(at, member)))
    }

    fn tool(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(asked_id) = message.required("tool_call_id", at)?;
        let Some(Call { id, .. }) = self.waiting.remove(&asked_id) else {
            let at = at.key("tool_call_id");
            return Err(
                at.invalid("no tool call with this id waits for a result in the assistant message before")
            );
        };
        // The call says the function's name already.
        message.take("name");
        self.result(id, message, at)
    }

    /// What a function gave, for the `function_call` of the message before.
    fn function(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(name) = message.required("name", at)?;
        match self.waiting.remove(FUNCTION_CALL) {
            Some(call) if call.name == *name => self.result(call.id, message, at),
            _ => Err(at
                .key("name")
                .invalid("no call of this function waits for a result in the assistant message before")),
        }
    }

    fn result(&mut self, id: String, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let cache_control = content::cache_control(message, at)?;
        let content = match message.take("content") {
            Some(raw) => content::read(raw, &at.key("content"), Speaker::Tool, self.ignored)?,
            None => Vec::new(),
        };
        let result = Block::ToolResult { tool_use_id: Cow::Owned(id), content, cache_control };
        self.turns.user(vec![result.placed(Origin::at(at, Member::Whole))]);
        Ok(())
    }

    fn wire_id(&mut self, asked: &str, at: &Path<'_>) -> Result<String, ApiError> {
        if self.waiting.contains_key(asked) {
            return Err(at.invalid("two calls of one message have this id"));
        }
        self.turns.call_id(asked, at)
    }

    fn all_answered(&self) -> Result<(), ApiError> {
        let first = self.waiting.values().min_by_key(|call| call.index);
        first.map_or(Ok(()), |Call { path, .. }| {
            Err(ApiError::invalid(path.clone(), "no tool message answers this call"))
        })
    }
}

impl From<ThinkingBlock> for Block<'_> {
    fn from(block: ThinkingBlock) -> Self {
        match block {
            ThinkingBlock::Thinking { thinking, signature } => {
                Self::Thinking { thinking: Cow::Owned(thinking), signature: Cow::Owned(signature) }
            }
            ThinkingBlock::Redacted { data } => Self::RedactedThinking { data: Cow::Owned(data) },
        }
    }
}
