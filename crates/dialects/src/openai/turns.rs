//! The conversation as the Messages API wants it: roles that alternate, the user first, every tool-call id unique and
//! in its alphabet, instructions where they may stand.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use messages::ApiError;
use messages::json::Path;

use super::output::{Block, Placed, Turn};
use crate::models::Rules;

/// Stands for the user where a conversation begins with the assistant.
const BEGINNING: &str = "(The conversation begins with the assistant.)";

/// System prompt and turns.
pub(crate) struct Conversation<'a> {
    pub(crate) system: Vec<Placed<'a>>,
    pub(crate) turns: Vec<Turn<'a>>,
}

/// A conversation that grows message by message.
pub(crate) struct Turns<'a> {
    conversation: Conversation<'a>,
    /// Instructions said after the beginning, until their place is known.
    later: Vec<Placed<'a>>,
    ids: HashSet<String>,
    /// How often an id came up, for those that did more than once.
    copies: HashMap<String, usize>,
    rules: Rules,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(rules: Rules, capacity: usize) -> Self {
        Self {
            conversation: Conversation { system: Vec::new(), turns: Vec::with_capacity(capacity) },
            later: Vec::new(),
            ids: HashSet::new(),
            copies: HashMap::new(),
            rules,
        }
    }

    /// Instructions: at the beginning the system prompt, later they wait for their place.
    pub(crate) fn system(&mut self, blocks: Vec<Placed<'a>>) {
        if self.conversation.turns.is_empty() {
            self.conversation.system.extend(blocks);
        } else {
            self.later.extend(blocks);
        }
    }

    /// What the user said, results of tools included.
    pub(crate) fn user(&mut self, blocks: Vec<Placed<'a>>) {
        self.push("user", blocks);
    }

    /// What the assistant said.
    pub(crate) fn assistant(&mut self, blocks: Vec<Placed<'a>>) {
        if !blocks.is_empty() {
            self.place_later();
        }
        self.push("assistant", blocks);
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
    pub(crate) fn call_id(&mut self, asked: &str, at: &Path<'_>) -> Result<String, ApiError> {
        if asked.is_empty() {
            return Err(at.invalid("must not be empty"));
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

    /// The whole; `at` is where the messages stand, `last` the last of them.
    pub(crate) fn finish(mut self, at: &Path<'_>, last: &Path<'_>) -> Result<Conversation<'a>, ApiError> {
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
            turns.insert(
                0,
                Turn { role: "user", content: vec![Block::text(Cow::Borrowed(BEGINNING)).into()] },
            );
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
