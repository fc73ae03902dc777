//! What survives a request: the responses that callers come back to, what each request used, the keys that were issued.
//!
//! [`ResponseStore`], [`UsageLedger`] and [`KeyStore`] are what the server knows; each is kept in an SQLite file of its
//! own below `data_dir`. A response belongs to the caller that made it: nobody else's question finds it. JSON is kept as
//! it came and never looked into.

mod error;
mod keys;
mod response;
mod responses;
mod sqlite;
mod unavailable;
mod usage;

pub use error::StoreError;
pub use keys::{KeyStore, NewKey, StoredKey};
pub use response::{
    Conversation, Ending, Event, Item, NewResponse, Page, PageQuery, Size, Status, Stored, Unfinished,
};
pub use responses::ResponseStore;
pub use sqlite::{OpenError, Settings, Sqlite, SqliteKeys, SqliteUsage, UsageSettings};
pub use unavailable::Unavailable;
pub use usage::{GroupBy, LedgerState, Spent, UsageGroup, UsageLedger, UsageQuery, UsageRow, UsageTokens};
