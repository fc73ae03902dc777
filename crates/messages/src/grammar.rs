//! The order rules of a Messages stream, held against any source of events (ours, the CLI's, upstream's).

use crate::{Block, Delta, Event};

/// A stream that breaks the rules: which event, and which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {position} ({name}): {rule}")]
pub struct Violation {
    /// The event's number in the stream, from 0.
    pub position: usize,
    /// Its name.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// Follows a stream and tells the first event that can't stand where it stands.
#[derive(Debug, Default)]
pub struct Checker {
    state: State,
    open: Option<(u32, BlockKind)>,
    next_index: u32,
    position: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    BeforeStart,
    InContent,
    AfterDelta,
    Ended,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum BlockKind {
    Text,
    Thinking,
    Fixed,
    Tool,
    Unknown,
}

impl Checker {
    /// Takes the next event.
    pub fn push(&mut self, name: &str, data: &[u8]) -> Result<(), Violation> {
        let position = self.position;
        self.position += 1;
        self.rule(name, data).map_err(|rule| Violation { position, name: name.to_owned(), rule })
    }

    /// Whether the stream may end here.
    pub fn finish(&self) -> Result<(), Violation> {
        match self.state {
            State::Ended | State::Failed => Ok(()),
            _ => Err(Violation {
                position: self.position,
                name: "end".into(),
                rule: "a stream ends with message_stop or error",
            }),
        }
    }

    fn rule(&mut self, name: &str, data: &[u8]) -> Result<(), &'static str> {
        let event = Event::parse(data).map_err(|_| "the event's data can be read")?;
        if !names(&event, name) {
            return Err("the SSE event name is the type in the data");
        }
        if matches!(self.state, State::Ended | State::Failed) {
            return Err("nothing follows message_stop or error");
        }
        match event {
            Event::Ping => Ok(()),
            Event::Error(_) => {
                self.state = State::Failed;
                Ok(())
            }
            Event::MessageStart(_) if self.state == State::BeforeStart => {
                self.state = State::InContent;
                Ok(())
            }
            Event::MessageStart(_) => Err("message_start comes once"),
            _ if self.state == State::BeforeStart => Err("message_start comes first"),
            Event::BlockStart { .. } | Event::BlockDelta { .. } | Event::BlockStop { .. } => {
                self.content(&event)
            }
            Event::MessageDelta { .. } | Event::MessageStop => self.ending(&event),
            Event::Other => Ok(()),
        }
    }

    fn content(&mut self, event: &Event<'_>) -> Result<(), &'static str> {
        if self.state != State::InContent {
            return Err("no content follows message_delta");
        }
        match (event, self.open) {
            (Event::BlockStart { .. }, Some(_)) => Err("one block is open at a time"),
            (Event::BlockStart { index, .. }, None) if *index != self.next_index => {
                Err("block indices count from 0 without gaps")
            }
            (Event::BlockStart { index, block }, None) => {
                self.open = Some((*index, BlockKind::of(block)));
                self.next_index += 1;
                Ok(())
            }
            (Event::BlockDelta { index, delta }, Some((open, kind))) if *index == open => kind.takes(delta),
            (Event::BlockStop { index }, Some((open, _))) if *index == open => {
                self.open = None;
                Ok(())
            }
            _ => Err("a delta or stop names the open block"),
        }
    }

    fn ending(&mut self, event: &Event<'_>) -> Result<(), &'static str> {
        match (event, self.state) {
            _ if self.open.is_some() => Err("all blocks are stopped before the message ends"),
            (Event::MessageDelta { .. }, _) => {
                self.state = State::AfterDelta;
                Ok(())
            }
            (_, State::AfterDelta) => {
                self.state = State::Ended;
                Ok(())
            }
            _ => Err("message_delta comes before message_stop"),
        }
    }
}

impl BlockKind {
    fn of(block: &Block<'_>) -> Self {
        match block {
            Block::Text { .. } => Self::Text,
            Block::Thinking { .. } => Self::Thinking,
            Block::RedactedThinking { .. } => Self::Fixed,
            Block::ToolUse { .. } => Self::Tool,
            Block::Other { .. } => Self::Unknown,
        }
    }

    fn takes(self, delta: &Delta<'_>) -> Result<(), &'static str> {
        let fits = match delta {
            Delta::Text(_) | Delta::Citation(_) => matches!(self, Self::Text | Self::Unknown),
            Delta::InputJson(_) => matches!(self, Self::Tool | Self::Unknown),
            Delta::Thinking(_) | Delta::Signature(_) => matches!(self, Self::Thinking | Self::Unknown),
            Delta::Other => true,
        };
        if fits { Ok(()) } else { Err("a delta fits its block") }
    }
}

fn names(event: &Event<'_>, name: &str) -> bool {
    let expected = match event {
        Event::MessageStart(_) => "message_start",
        Event::BlockStart { .. } => "content_block_start",
        Event::BlockDelta { .. } => "content_block_delta",
        Event::BlockStop { .. } => "content_block_stop",
        Event::MessageDelta { .. } => "message_delta",
        Event::MessageStop => "message_stop",
        Event::Ping => "ping",
        Event::Error(_) => "error",
        Event::Other => return true,
    };
    expected == name
}
