//! The messages: who spoke, in turns as the Messages API wants them, every tool call answered.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::content::{self, Speaker};
use super::output::{Block, Placed, Turn};
use super::places::{Member, Origin};
use super::{ROOT, assistant, unsupported};
use crate::models::Rules;

/// Stands for the user where a conversation begins with the assistant.
const BEGINNING: &str = "(The conversation begins with the assistant.)";

/// System prompt and turns.
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Placed<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

/// A tool call that waits for its `tool` message.
struct Call {
    /// The id as the API takes it: its alphabet, unique in the conversation.
    id: String,
    /// Its place among the calls of its message, and that message's path.
    index: usize,
    message: String,
}

struct Builder<'a, 'i> {
    conversation: Conversation<'a>,
    /// By the id that the caller gave.
    waiting: HashMap<Cow<'a, str>, Call>,
    /// Instructions said after the beginning, until their place is known.
    later: Vec<Placed<'a>>,
    ids: HashSet<String>,
    /// How often an id came up, for those that did more than once.
    copies: HashMap<String, usize>,
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
    let mut builder = Builder {
        conversation,
        waiting: HashMap::new(),
        later: Vec::new(),
        ids: HashSet::new(),
        copies: HashMap::new(),
        rules,
        ignored,
    };
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
        if self.conversation.turns.is_empty() {
            self.conversation.system.extend(blocks);
        } else {
            self.later.extend(blocks);
        }
        Ok(())
    }

    /// Later instructions may stand only between what the user said and the answer to it; elsewhere, and for models
    /// that take none, they join the system prompt.
    fn place_later(&mut self) {
        let blocks = std::mem::take(&mut self.later);
        let after_user = self.conversation.turns.last().is_some_and(|turn| turn.role == "user");
        if after_user && self.rules.system_turns {
            self.push("system", blocks);
        } else {
            self.conversation.system.extend(blocks);
        }
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
            let waits = Call { id: id.clone(), index, message: at.to_string() };
            self.waiting.insert(call.id, waits);
            let id = Cow::Owned(id);
            let call = Block::ToolUse { id, name: call.name, input: call.input, cache_control: None };
            blocks.push(call.from(Origin::at(at, Member::Call(index))));
        }
        content::mark(blocks.last_mut().map(|last| &mut last.block), cache_control);
        if !blocks.is_empty() {
            self.place_later();
        }
        self.push("assistant", blocks);
        Ok(())
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
        let cache_control = content::cache_control(message, at)?;
        let content = match message.take("content") {
            Some(raw) => content::read(raw, &at.key("content"), Speaker::Tool, self.ignored)?,
            None => Vec::new(),
        };
        let result = Block::ToolResult { tool_use_id: Cow::Owned(id), content, cache_control };
        self.push("user", vec![result.from(Origin::at(at, Member::Whole))]);
        Ok(())
    }

    /// Neighbours of one role become one turn; a message without content leaves no trace.
    fn push(&mut self, role: &'static str, blocks: Vec<Placed<'a>>) {
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
        if self.waiting.contains_key(asked) {
            return Err(at.invalid("two calls of one message have this id"));
        }
        let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let base: String = asked.chars().map(|letter| if legal(letter) { letter } else { '_' }).collect();
        if self.ids.insert(base.clone()) {
            return Ok(base);
        }
        let copy = self.copies.entry(base.clone()).or_insert(1);
        let id = loop {
            *copy += 1;
            let id = format!("{base}_{copy}");
            if self.ids.insert(id.clone()) {
                break id;
            }
        };
        Ok(id)
    }

    fn all_answered(&self) -> Result<(), ApiError> {
        let first = self.waiting.values().min_by_key(|call| call.index);
        first.map_or(Ok(()), |Call { index, message, .. }| {
            Err(ApiError::invalid(
                format!("{message}.tool_calls[{index}].id"),
                "no tool message answers this call",
            ))
        })
    }

    fn finish(mut self, at: &Path<'_>, last: &Path<'_>) -> Result<Conversation<'a>, ApiError> {
        self.all_answered()?;
        self.place_later();
        self.trim_prefill();
        let Conversation { system, turns } = &mut self.conversation;
        if turns.is_empty() {
            // Instructions alone: the API wants a user turn, so the last instruction is what is asked.
            let asked =
                system.pop().ok_or_else(|| at.invalid("at least one message with content is required"))?;
            turns.push(Turn { role: "user", content: vec![asked] });
        }
        if turns.first().is_some_and(|turn| turn.role == "assistant") {
            // A greeting that the caller's program wrote. The API wants the user to speak first.
            let beginning = Block::text(Cow::Borrowed(BEGINNING)).from(Origin::default());
            turns.insert(0, Turn { role: "user", content: vec![beginning] });
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
        if let Some(Block::Text { text, .. }) = turn.content.last_mut().map(|last| &mut last.block) {
            let trimmed = text.trim_end().len();
            if trimmed < text.len() {
                text.to_mut().truncate(trimmed);
            }
        }
    }
}
