//! The contract of a store of responses, whatever keeps it.

use futures_core::future::BoxFuture;

use crate::{
    Conversation, Ending, Event, NewResponse, Page, PageQuery, Size, StoreError, Stored, Unfinished,
};

/// Keeps responses. What a call acknowledged is there after the process was killed; what has expired, or is another
/// owner's, is not found. A call that is dropped may or may not have been done.
pub trait ResponseStore: Send + Sync {
    /// Keeps a response, with all that belongs to it or nothing. What it goes on from then stays at least as long.
    fn insert(&self, new: NewResponse) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Notes that an unfinished response is begun once more: it is in progress, with this as its response object.
    /// `false` when it has ended or is gone.
    fn begin(&self, id: &str, response: bytes::Bytes) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Adds to the log of an unfinished response. `false` when it has ended or is gone.
    fn append(&self, id: &str, events: Vec<Event>) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Ends an unfinished response; its request is forgotten. `false` when it has ended before or is gone: only the
    /// first end counts.
    fn end(&self, id: &str, ending: Ending) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The response of this id.
    fn get(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<Option<Stored>, StoreError>>;

    /// All that was said up to and including this response. `None` when it, or one it goes on from, is not there.
    fn conversation(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<Option<Conversation>, StoreError>>;

    /// The items of these ids, in or out, each `None` where it is not there.
    fn items(
        &self,
        owner: &str,
        ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<bytes::Bytes>>, StoreError>>;

    /// A part of what the response was made of: the conversation it goes on from, then its own request's items.
    fn input_items(
        &self,
        owner: &str,
        id: &str,
        query: PageQuery,
    ) -> BoxFuture<'_, Result<Option<Page>, StoreError>>;

    /// The log of a response from the event after `after` on.
    fn events(&self, id: &str, after: Option<u64>) -> BoxFuture<'_, Result<Vec<Event>, StoreError>>;

    /// Forgets a response. `false` when it is not there.
    fn delete(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// What an earlier server left without an end, oldest first.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>>;

    /// What there is now.
    fn size(&self) -> BoxFuture<'_, Result<Size, StoreError>>;

    /// Waits for what was asked before, and takes no more.
    fn close(&self) -> BoxFuture<'_, ()>;
}
