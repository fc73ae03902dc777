//! A store that could not be opened. It says so whatever it is asked, so that the rest of the server can serve.

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    Conversation, Ending, Event, NewResponse, Page, PageQuery, ResponseStore, Size, StoreError, Stored,
    Unfinished,
};

/// Refuses everything with the reason it could not be opened.
#[derive(Clone, Debug)]
pub struct Unavailable(StoreError);

impl Unavailable {
    /// `reason` goes to the log and never to callers.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(StoreError::Unavailable(reason.into()))
    }

    fn refuse<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, StoreError>> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

impl ResponseStore for Unavailable {
    fn insert(&self, _new: NewResponse) -> BoxFuture<'_, Result<(), StoreError>> {
        self.refuse()
    }

    fn begin(&self, _id: &str, _response: Bytes) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.refuse()
    }

    fn append(&self, _id: &str, _events: Vec<Event>) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.refuse()
    }

    fn end(&self, _id: &str, _ending: Ending) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.refuse()
    }

    fn get(&self, _owner: &str, _id: &str) -> BoxFuture<'_, Result<Option<Stored>, StoreError>> {
        self.refuse()
    }

    fn conversation(
        &self,
        _owner: &str,
        _id: &str,
    ) -> BoxFuture<'_, Result<Option<Conversation>, StoreError>> {
        self.refuse()
    }

    fn items(
        &self,
        _owner: &str,
        _ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bytes>>, StoreError>> {
        self.refuse()
    }

    fn input_items(
        &self,
        _owner: &str,
        _id: &str,
        _query: PageQuery,
    ) -> BoxFuture<'_, Result<Option<Page>, StoreError>> {
        self.refuse()
    }

    fn events(&self, _id: &str, _after: Option<u64>) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        self.refuse()
    }

    fn delete(&self, _owner: &str, _id: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.refuse()
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>> {
        self.refuse()
    }

    fn size(&self) -> BoxFuture<'_, Result<Size, StoreError>> {
        self.refuse()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
