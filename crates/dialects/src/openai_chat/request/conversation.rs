//! The messages: who spoke, in turns as the Messages API wants them, every tool call answered.

use std::borrow::Cow;
use std::collections::HashSet;

use messages::ApiError;
use messages::json::{self, Members, Path, Text};
use serde_json::value::RawValue;

use super::content::{self, Speaker};
use super::ignored::Ignored;
use super::output::{Block, Turn};
use super::{ROOT, assistant, unsupported};
use crate::models::Rules;

/// System prompt and turns.
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

/// A tool call that waits for its `tool` message.
struct Call<'a> {
    asked_id: Cow<'a, str>,
    /// The id as the API takes it: its alphabet, unique in the conversation.
    id: String,
    path: String,
}

struct Builder<'a, 'i> {
    conversation: Conversation<'a>,
    waiting: Vec<Call<'a>>,
    ids: HashSet<String>,
    rules: Rules,
    ignored: &'i mut Ignored,
}

/// Reads `messages`.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    ignored: &mut Ignored,
) -> Result<Conversation<'a>, ApiError> {
    let messages: Vec<&'a RawValue> = fields.required("messages", &ROOT)?;
    let at = ROOT.key("messages");
    let conversation = Conversation { system: Vec::new(), turns: Vec::with_capacity(messages.len()) };
    let mut builder = Builder { conversation, waiting: Vec::new(), ids: HashSet::new(), rules, ignored };
    let last = messages.len().saturating_sub(1);
    for (index, message) in messages.into_iter().enumerate() {
        builder.message(json::read(message.get(), &at.index(index))?, &at.index(index))?;
    }
    builder.finish(&at, &at.index(last))
}

impl<'a> Builder<'a, '_> {
    fn message(&mut self, mut message: Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(role) = message.required("role", at)?;
        match &*role {
            "system" | "developer" => self.system(&mut message, at)?,
            "user" => self.user(&mut message, at)?,
            "assistant" => self.assistant(&mut message, at)?,
            "tool" => self.tool(&mut message, at)?,
            "function" => return Err(unsupported(&at.key("role"), "use tool instead of function messages")),
            _ => return Err(at.key("role").invalid("must be system, developer, user, assistant or tool")),
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
    ) -> Result<Vec<Block<'a>>, ApiError> {
        let cache_control = content::cache_control(message, at)?;
        let Some(raw) = message.take("content") else {
            return Err(at.key("content").invalid("field required"));
        };
        let mut blocks = content::read(raw, &at.key("content"), speaker, self.ignored)?;
        content::mark(blocks.last_mut(), cache_control);
        Ok(blocks)
    }

    fn system(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let blocks = self.content(message, at, Speaker::System)?;
        // Between a call and its results nothing may stand, so there it moves to the front as well.
        let leading = self.conversation.turns.is_empty();
        if leading || !self.rules.system_turns || !self.waiting.is_empty() {
            self.conversation.system.extend(blocks);
        } else {
            self.push("system", blocks);
        }
        Ok(())
    }

    fn user(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        self.all_answered()?;
        let blocks = self.content(message, at, Speaker::User)?;
        self.push("user", blocks);
        Ok(())
    }

    fn assistant(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        self.all_answered()?;
        let cache_control = content::cache_control(message, at)?;
        let (mut blocks, calls) = assistant::read(message, at, self.ignored)?;
        for (index, call) in calls.into_iter().enumerate() {
            let calls_at = at.key("tool_calls");
            let call_at = calls_at.index(index);
            let id = self.wire_id(&call.id, &call_at.key("id"))?;
            blocks.push(Block::ToolUse {
                id: Cow::Owned(id.clone()),
                name: call.name,
                input: call.input,
                cache_control: None,
            });
            self.waiting.push(Call { asked_id: call.id, id, path: call_at.to_string() });
        }
        content::mark(blocks.last_mut(), cache_control);
        self.push("assistant", blocks);
        Ok(())
    }

    fn tool(&mut self, message: &mut Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(asked_id) = message.required("tool_call_id", at)?;
        let Some(place) = self.waiting.iter().position(|call| call.asked_id == asked_id) else {
            let at = at.key("tool_call_id");
            return Err(
                at.invalid("no tool call with this id waits for a result in the assistant message before")
            );
        };
        let id = self.waiting.remove(place).id;
        // The call says the function's name already.
        message.take("name");
        let cache_control = content::cache_control(message, at)?;
        let content = match message.take("content") {
            Some(raw) => content::read(raw, &at.key("content"), Speaker::Tool, self.ignored)?,
            None => Vec::new(),
        };
        let result = Block::ToolResult { tool_use_id: Cow::Owned(id), content, cache_control };
        self.push("user", vec![result]);
        Ok(())
    }

    /// Neighbours of one role become one turn; a message without content leaves no trace.
    fn push(&mut self, role: &'static str, blocks: Vec<Block<'a>>) {
        if blocks.is_empty() {
            return;
        }
        match self.conversation.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(blocks),
            _ => self.conversation.turns.push(Turn { role, content: blocks }),
        }
    }

    /// The call's id in the API's alphabet. Some clients count calls anew in every turn (`call_0`): a repeated id
    /// gets a number, since the API wants them unique.
    fn wire_id(&mut self, asked: &str, at: &Path<'_>) -> Result<String, ApiError> {
        if asked.is_empty() {
            return Err(at.invalid("must not be empty"));
        }
        if self.waiting.iter().any(|call| call.asked_id == asked) {
            return Err(at.invalid("two calls of one message have this id"));
        }
        let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let base: String = asked.chars().map(|letter| if legal(letter) { letter } else { '_' }).collect();
        let mut id = base.clone();
        let mut copy = 1_usize;
        while !self.ids.insert(id.clone()) {
            copy += 1;
            id = format!("{base}_{copy}");
        }
        Ok(id)
    }

    fn all_answered(&self) -> Result<(), ApiError> {
        self.waiting.first().map_or(Ok(()), |call| {
            Err(ApiError::invalid(format!("{}.id", call.path), "no tool message answers this call"))
        })
    }

    fn finish(mut self, at: &Path<'_>, last: &Path<'_>) -> Result<Conversation<'a>, ApiError> {
        self.all_answered()?;
        self.trim_prefill();
        let Conversation { system, turns } = &mut self.conversation;
        if turns.is_empty() {
            // Instructions alone: the API wants a user turn, so the last instruction is what is asked.
            let asked =
                system.pop().ok_or_else(|| at.invalid("at least one message with content is required"))?;
            turns.push(Turn { role: "user", content: vec![asked] });
        }
        if turns.last().is_some_and(|turn| turn.role == "assistant") && !self.rules.prefill {
            return Err(
                last.invalid("this model does not continue an assistant message; end with a user message")
            );
        }
        Ok(self.conversation)
    }

    /// An answer that the model shall continue must not end in white space.
    fn trim_prefill(&mut self) {
        let turns = &mut self.conversation.turns;
        let Some(turn) = turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
        if let Some(Block::Text { text, .. }) = turn.content.last_mut() {
            let trimmed = text.trim_end().len();
            if trimmed < text.len() {
                text.to_mut().truncate(trimmed);
            }
        }
    }
}
