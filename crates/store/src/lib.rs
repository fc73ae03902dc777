//! What survives a request: the responses that callers come back to.
//!
//! [`ResponseStore`] is what the server knows; [`Sqlite`] keeps it in one file below `data_dir`. What is kept belongs to
//! the caller that made it: nobody else's question finds it. JSON is kept as it came and never looked into.

mod error;
mod response;
mod responses;
mod sqlite;
mod unavailable;

pub use error::StoreError;
pub use response::{
    Conversation, Ending, Event, Item, NewResponse, Page, PageQuery, Size, Status, Stored, Unfinished,
};
pub use responses::ResponseStore;
pub use sqlite::{OpenError, Settings, Sqlite};
pub use unavailable::Unavailable;
