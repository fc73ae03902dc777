//! What went wrong, as told to a client, before a dialect gives it its shape.
//! <https://platform.claude.com/docs/en/api/errors>

use std::time::Duration;

/// The kinds of error of the Messages API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong (400).
    InvalidRequest,
    /// No valid credentials (401).
    Authentication,
    /// The account can't pay (402).
    Billing,
    /// The credentials may not do this (403).
    Permission,
    /// No such thing (404).
    NotFound,
    /// The body is too large (413).
    RequestTooLarge,
    /// Too many requests or tokens (429).
    RateLimit,
    /// Something broke inside (500).
    Api,
    /// Upstream stayed silent (504).
    Timeout,
    /// No capacity now (529).
    Overloaded,
}

impl ErrorKind {
    const ALL: [Self; 10] = [
        Self::InvalidRequest,
        Self::Authentication,
        Self::Billing,
        Self::Permission,
        Self::NotFound,
        Self::RequestTooLarge,
        Self::RateLimit,
        Self::Api,
        Self::Timeout,
        Self::Overloaded,
    ];

    /// The `error.type` of the Messages API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::Authentication => "authentication_error",
            Self::Billing => "billing_error",
            Self::Permission => "permission_error",
            Self::NotFound => "not_found_error",
            Self::RequestTooLarge => "request_too_large",
            Self::RateLimit => "rate_limit_error",
            Self::Api => "api_error",
            Self::Timeout => "timeout_error",
            Self::Overloaded => "overloaded_error",
        }
    }

    /// The HTTP status that goes with this kind.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Authentication => 401,
            Self::Billing => 402,
            Self::Permission => 403,
            Self::NotFound => 404,
            Self::RequestTooLarge => 413,
            Self::RateLimit => 429,
            Self::Api => 500,
            Self::Timeout => 504,
            Self::Overloaded => 529,
        }
    }

    /// The kind that fits an HTTP error status best.
    #[must_use]
    pub const fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            413 => Self::RequestTooLarge,
            429 => Self::RateLimit,
            408 | 504 => Self::Timeout,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::InvalidRequest,
            _ => Self::Api,
        }
    }

    /// The kind with this `error.type`, if it is a known one.
    #[must_use]
    pub fn from_type(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }
}

/// An error as told to a client, in no dialect yet. Never holds prompts, answers or credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What kind of error.
    pub kind: ErrorKind,
    /// The HTTP status to answer with.
    pub status: u16,
    /// The public message.
    pub message: String,
    /// Where in the request: `messages[2].content[0]`.
    pub path: Option<String>,
    /// A machine-readable code where a dialect has one, like `unsupported_parameter`.
    pub code: Option<&'static str>,
    /// When another try makes sense.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An error of this kind with the kind's own status.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let status = kind.status();
        Self { kind, status, message: message.into(), path: None, code: None, retry_after: None }
    }

    /// A 400 about the member of the request at `path`; the message gets the path in front.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        let told = if path.is_empty() { message } else { format!("{path}: {message}") };
        let path = (!path.is_empty()).then_some(path);
        Self { path, ..Self::new(ErrorKind::InvalidRequest, told) }
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same error with a machine-readable code.
    #[must_use]
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same error, saying when to try again.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_its_type_and_its_status() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_type(kind.as_str()), Some(kind));
            assert_eq!(ErrorKind::from_status(kind.status()), kind);
        }
        assert_eq!(ErrorKind::from_type("teapot_error"), None);
        assert_eq!(ErrorKind::from_status(422), ErrorKind::InvalidRequest);
        assert_eq!(ErrorKind::from_status(502), ErrorKind::Api);
    }

    #[test]
    fn an_invalid_request_names_its_path_in_the_message() {
        let error = ApiError::invalid("messages[0].role", "field required");
        assert_eq!(error.message, "messages[0].role: field required");
        assert_eq!((error.status, error.path.as_deref()), (400, Some("messages[0].role")));
    }
}
