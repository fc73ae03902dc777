//! Thinking before a tool call. The API wants it back with the call, but most OpenAI clients drop it: what was thought
//! is gathered from answers here, so that the server can remember it by the call's id.

use messages::{Block, Delta, Event, EventError, Message};

/// A thinking block as the API wants to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThinkingBlock {
    /// Reasoning that is shown.
    Thinking {
        /// The text.
        thinking: String,
        /// What proves it to the API.
        signature: String,
    },
    /// Reasoning that is not shown.
    Redacted {
        /// Opaque.
        data: String,
    },
}

/// What was thought before one tool call and after the call before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// The thinking that the message begins with.
    pub opening: Vec<ThinkingBlock>,
    /// Thinking that came after text or another call.
    pub before: Vec<ThinkingBlock>,
}

impl Thought {
    /// How much memory it takes, roughly.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let size = |block: &ThinkingBlock| match block {
            ThinkingBlock::Thinking { thinking, signature } => thinking.len() + signature.len(),
            ThinkingBlock::Redacted { data } => data.len(),
        };
        self.opening.iter().chain(&self.before).map(|block| size(block) + 64).sum()
    }

    /// Whether there is something to remember, and the API would take all of it back.
    fn is_worth_keeping(&self) -> bool {
        let signed = |block: &ThinkingBlock| match block {
            ThinkingBlock::Thinking { signature, .. } => !signature.is_empty(),
            ThinkingBlock::Redacted { .. } => true,
        };
        let mut blocks = self.opening.iter().chain(&self.before).peekable();
        blocks.peek().is_some() && blocks.all(signed)
    }
}

/// Gathers thoughts from one answer, whole or streamed.
#[derive(Debug, Default)]
pub struct Thoughts {
    found: Vec<(String, Thought)>,
    next: Thought,
    /// Something other than thinking was said.
    begun: bool,
    open: bool,
}

impl Thoughts {
    /// The thoughts of a whole answer, by the id of the call that they came before.
    ///
    /// # Errors
    /// When the body is no Messages answer.
    pub fn of_answer(messages_json: &[u8]) -> Result<Vec<(String, Thought)>, EventError> {
        let mut thoughts = Self::default();
        for block in &Message::parse(messages_json)?.content {
            thoughts.block(block);
        }
        Ok(thoughts.found)
    }

    /// Takes note of an event of the answer.
    pub fn push(&mut self, event: &Event<'_>) {
        match event {
            Event::BlockStart { block, .. } => {
                self.open = matches!(block, Block::Thinking { .. });
                self.block(block);
            }
            Event::BlockDelta { delta, .. } if self.open => self.grow(delta),
            Event::BlockStop { .. } => self.open = false,
            _ => {}
        }
    }

    /// What was found, once the answer is complete.
    #[must_use]
    pub fn finish(self) -> Vec<(String, Thought)> {
        self.found
    }

    fn place(&mut self) -> &mut Vec<ThinkingBlock> {
        if self.begun { &mut self.next.before } else { &mut self.next.opening }
    }

    fn block(&mut self, block: &Block<'_>) {
        match block {
            Block::Thinking { thinking, signature } => {
                let (thinking, signature) = (thinking.to_string(), signature.to_string());
                self.place().push(ThinkingBlock::Thinking { thinking, signature });
            }
            Block::RedactedThinking { data } => {
                let data = data.to_string();
                self.place().push(ThinkingBlock::Redacted { data });
            }
            Block::ToolUse { id, .. } => {
                self.begun = true;
                let thought = std::mem::take(&mut self.next);
                if thought.is_worth_keeping() {
                    self.found.push((id.to_string(), thought));
                }
            }
            Block::Text { .. } | Block::Other { .. } => self.begun = true,
        }
    }

    fn grow(&mut self, delta: &Delta<'_>) {
        let Some(ThinkingBlock::Thinking { thinking, signature }) = self.place().last_mut() else { return };
        match delta {
            Delta::Thinking(more) => thinking.push_str(more),
            Delta::Signature(more) => signature.push_str(more),
            _ => {}
        }
    }
}
