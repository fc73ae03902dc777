//! SQLite files, each by connections on threads of their own. Several writes that wait are committed as one; nothing of
//! it runs on the threads that serve requests. Here: responses.

mod keys;
mod open;
mod read;
mod room;
mod shapes;
mod thread;
mod usage;
mod write;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use rusqlite::Connection;

pub use self::keys::SqliteKeys;
pub use self::open::OpenError;
use self::thread::Thread;
pub use self::usage::{SqliteUsage, UsageSettings};
use crate::{
    Conversation, Ending, Event, NewResponse, Page, PageQuery, ResponseStore, Size, StoreError, Stored,
    Unfinished,
};

/// A number as SQLite has it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What an embedded store needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of the file; it is made when it is not there.
    pub dir: PathBuf,
    /// The oldest responses give way to keep it this small.
    pub max_bytes: u64,
    /// How long a caller waits for an answer.
    pub patience: Duration,
}

/// The embedded store. One server at a time owns the file.
#[derive(Debug)]
pub struct Sqlite {
    thread: Thread,
    max_bytes: u64,
}

impl Sqlite {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// When the directory or the file can't be written, the file is no store or damaged, or another server has it.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let opened = open::open(&settings.dir, &shapes::RESPONSES)?;
        let thread = Thread::start(opened, settings.patience, room::sweep)?;
        Ok(Self { thread, max_bytes: settings.max_bytes })
    }

    fn write<T, F>(&self, job: F) -> BoxFuture<'_, Result<T, StoreError>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.thread.write(job))
    }

    fn read<T, F>(&self, job: F) -> BoxFuture<'_, Result<T, StoreError>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.thread.read(job))
    }
}

impl ResponseStore for Sqlite {
    fn insert(&self, new: NewResponse) -> BoxFuture<'_, Result<(), StoreError>> {
        let max_bytes = self.max_bytes;
        self.write(move |connection| write::insert(connection, &new, max_bytes))
    }

    fn begin(&self, id: &str, response: Bytes) -> BoxFuture<'_, Result<bool, StoreError>> {
        let id = id.to_owned();
        self.write(move |connection| write::begin(connection, &id, &response))
    }

    fn append(&self, id: &str, events: Vec<Event>) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (id, max_bytes) = (id.to_owned(), self.max_bytes);
        self.write(move |connection| write::append(connection, &id, &events, max_bytes))
    }

    fn end(&self, id: &str, ending: Ending) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (id, max_bytes) = (id.to_owned(), self.max_bytes);
        self.write(move |connection| write::end(connection, &id, &ending, max_bytes))
    }

    fn get(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<Option<Stored>, StoreError>> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        self.read(move |connection| read::get(connection, &owner, &id))
    }

    fn conversation(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<Option<Conversation>, StoreError>> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        self.read(move |connection| read::conversation(connection, &owner, &id))
    }

    fn items(&self, owner: &str, ids: Vec<String>) -> BoxFuture<'_, Result<Vec<Option<Bytes>>, StoreError>> {
        let owner = owner.to_owned();
        self.read(move |connection| read::items(connection, &owner, &ids))
    }

    fn input_items(
        &self,
        owner: &str,
        id: &str,
        query: PageQuery,
    ) -> BoxFuture<'_, Result<Option<Page>, StoreError>> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        self.read(move |connection| read::input_items(connection, &owner, &id, &query))
    }

    fn events(&self, id: &str, after: Option<u64>) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        let id = id.to_owned();
        self.read(move |connection| read::events(connection, &id, after))
    }

    fn delete(&self, owner: &str, id: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        self.write(move |connection| write::delete(connection, &owner, &id))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>> {
        self.read(read::unfinished)
    }

    fn size(&self) -> BoxFuture<'_, Result<Size, StoreError>> {
        self.read(room::size)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.thread.close())
    }
}
