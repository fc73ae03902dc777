//! What is kept of a response. Times are seconds since 1970.

use bytes::Bytes;

/// Where a response is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Accepted, not begun.
    Queued,
    /// Being made.
    InProgress,
    /// Whole.
    Completed,
    /// Ended by a limit.
    Incomplete,
    /// Ended by an error.
    Failed,
    /// Ended by its caller.
    Cancelled,
}

impl Status {
    const ALL: [Self; 6] =
        [Self::Queued, Self::InProgress, Self::Completed, Self::Incomplete, Self::Failed, Self::Cancelled];

    /// As the Responses API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Nothing more will change.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// One item of a conversation, in or out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// By which callers refer to it; unique within its owner's responses or empty.
    pub id: String,
    /// The item itself.
    pub json: Bytes,
}

/// One event of a response's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the stream, from 0 without gaps.
    pub sequence: u64,
    /// As it is sent: whole frames.
    pub sse: Bytes,
}

/// A response to keep.
#[derive(Clone, Debug)]
pub struct NewResponse {
    /// Unique.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// The response it goes on from.
    pub previous: Option<String>,
    /// When it was made.
    pub created_at: u64,
    /// When it is forgotten.
    pub expires_at: u64,
    /// Where it is.
    pub status: Status,
    /// Made in the background: it has a log of events, and is taken up again after a restart.
    pub background: bool,
    /// The response object as it is told now.
    pub response: Bytes,
    /// The request, until the response has ended: what it takes to make it.
    pub request: Option<Bytes>,
    /// What this response's own request brought.
    pub input: Vec<Item>,
    /// What the model made.
    pub output: Vec<Item>,
    /// The first events of its log.
    pub events: Vec<Event>,
}

/// The end of a response that was kept before it had ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// How it ended.
    pub status: Status,
    /// The response object from now on.
    pub response: Bytes,
    /// What the model made.
    pub output: Vec<Item>,
    /// The last events of its log.
    pub events: Vec<Event>,
}

/// A response as it is kept.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Where it is.
    pub status: Status,
    /// Whether it has a log of events.
    pub background: bool,
    /// The response object as last told.
    pub response: Bytes,
}

/// What a request that goes on from a response needs.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Where the response is that is gone on from.
    pub status: Status,
    /// All items in and out, oldest first.
    pub items: Vec<Item>,
}

/// Which of a response's items in are wanted.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// At most so many.
    pub limit: usize,
    /// Newest first.
    pub descending: bool,
    /// Only those after the item of this id, in the order asked for.
    pub after: Option<String>,
    /// Only those before the item of this id, in the order asked for.
    pub before: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The items, in the order asked for.
    pub items: Vec<Item>,
    /// Whether there are further ones.
    pub has_more: bool,
}

/// A response that a server left without an end.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Where it was.
    pub status: Status,
    /// When it was made.
    pub created_at: u64,
    /// The response object as last told.
    pub response: Bytes,
    /// What it takes to make it.
    pub request: Option<Bytes>,
    /// How many times it was begun.
    pub attempts: u32,
    /// The number of the next event.
    pub next_sequence: u64,
}

/// What there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Responses.
    pub responses: u64,
    /// Bytes in use.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("done"), None);
    }
}
