//! What can go wrong between this server and what serves.

use messages::{ApiError, ErrorKind};
use wire::json::Malformed;

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

    /// This server has no credentials for the upstream, or none that can be used.
    #[must_use]
    pub fn credentials(detail: String) -> Self {
        let message = "This server could not get credentials for the upstream API; its log says why.";
        Self { error: ApiError::new(ErrorKind::Api, message).with_status(502), detail }
    }

    /// Nothing came for `seconds`; `waiting_for` names the configuration key and what was awaited.
    #[must_use]
    pub fn timeout(waiting_for: &str, seconds: f64, key: &str) -> Self {
        let message = format!("Timed out after {seconds} s waiting for {waiting_for} (limit: `{key}`).");
        Self { detail: message.clone(), error: ApiError::new(ErrorKind::Timeout, message).with_status(504) }
    }
}

/// The body is the caller's: it is no JSON object, or names a member twice.
impl From<Malformed> for BackendError {
    fn from(error: Malformed) -> Self {
        ApiError::invalid("", format!("The request body is not valid JSON: {error}.")).into()
    }
}

impl From<ApiError> for BackendError {
    fn from(error: ApiError) -> Self {
        Self { detail: error.message.clone(), error }
    }
}
