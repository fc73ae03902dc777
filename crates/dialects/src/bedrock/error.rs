//! Errors as AWS's exceptions.

use bytes::Bytes;
use messages::{ApiError, ErrorKind};
use serde::Deserialize;

/// The exception that an error is, and its status: AWS knows neither 401 nor 529.
#[must_use]
pub const fn exception(error: &ApiError) -> (&'static str, u16) {
    match error.kind {
        ErrorKind::InvalidRequest if error.status == 404 => ("ResourceNotFoundException", 404),
        ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge => ("ValidationException", 400),
        ErrorKind::Authentication => ("UnrecognizedClientException", 403),
        ErrorKind::Billing | ErrorKind::Permission => ("AccessDeniedException", 403),
        ErrorKind::NotFound => ("ResourceNotFoundException", 404),
        ErrorKind::RateLimit => ("ThrottlingException", 429),
        ErrorKind::Api => ("InternalServerException", 500),
        ErrorKind::Timeout => ("ModelTimeoutException", 408),
        ErrorKind::Overloaded => ("ServiceUnavailableException", 503),
    }
}

/// The body of an exception; its name is in the header `x-amzn-errortype`.
#[must_use]
pub fn error_body(error: &ApiError) -> Bytes {
    serde_json::json!({ "message": error.message }).to_string().into()
}

/// The error in an answer or event of the Messages API; nothing when it has another shape.
#[must_use]
pub fn error_of_messages(status: u16, body: &[u8]) -> Option<ApiError> {
    #[derive(Deserialize)]
    struct Body {
        error: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        r#type: String,
        message: String,
    }
    let Body { error } = serde_json::from_slice(body).ok()?;
    let kind = ErrorKind::from_type(&error.r#type).unwrap_or(ErrorKind::from_status(status));
    Some(ApiError::new(kind, error.message))
}
