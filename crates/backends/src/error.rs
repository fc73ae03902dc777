//! What can go wrong between this server and what serves.

use messages::{ApiError, ErrorKind};

/// A request that got no answer from the backend.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct BackendError {
    /// What the client is told.
    pub error: ApiError,
    /// What the log is told: addresses and causes, never content or credentials.
    pub detail: String,
}

impl BackendError {
    /// The upstream could not be reached.
    #[must_use]
    pub fn unreachable(detail: String) -> Self {
        let error = ApiError::new(ErrorKind::Api, "The upstream API could not be reached.").with_status(502);
        Self { error, detail }
    }

    /// The upstream answered, then failed before the answer was whole.
    #[must_use]
    pub fn cut(detail: String) -> Self {
        let error =
            ApiError::new(ErrorKind::Api, "The upstream API ended the answer before it was complete.")
                .with_status(502);
        Self { error, detail }
    }

    /// Nothing came for `seconds`; `waiting_for` names the configuration key and what was awaited.
    #[must_use]
    pub fn timeout(waiting_for: &str, seconds: f64, key: &str) -> Self {
        let message = format!("Timed out after {seconds} s waiting for {waiting_for} (limit: `{key}`).");
        Self { detail: message.clone(), error: ApiError::new(ErrorKind::Timeout, message).with_status(504) }
    }
}

impl From<ApiError> for BackendError {
    fn from(error: ApiError) -> Self {
        Self { detail: error.message.clone(), error }
    }
}
