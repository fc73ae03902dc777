//! Why something could not be kept or found.

/// A store that did not do what it was asked. Never holds content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It could not be opened, and stays closed until the server starts again.
    #[error("it could not be opened: {0}")]
    Unavailable(String),
    /// More work waits than it can do.
    #[error("it is busy")]
    Busy,
    /// No answer within its patience.
    #[error("it did not answer in time")]
    Slow,
    /// One thing is larger than all that may be kept.
    #[error("it keeps no more than {max_bytes} bytes")]
    TooLarge {
        /// The configured bound.
        max_bytes: u64,
    },
    /// The database refused: full disk, read-only file system, damaged file.
    #[error("{0}")]
    Database(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
