//! Errors in OpenAI's shape, and upstream's errors read.
//! <https://platform.openai.com/docs/guides/error-codes>

use bytes::Bytes;
use messages::{ApiError, ErrorBody, ErrorKind};
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

/// The body of an error answer, and the data of an error in a stream.
#[must_use]
pub fn error_body(error: &ApiError) -> Bytes {
    let detail = Detail {
        message: &error.message,
        r#type: type_of(error.kind),
        param: error.path.as_deref(),
        code: error.code.or(code_of(error.kind)),
    };
    serde_json::to_vec(&Envelope { error: detail }).map(Bytes::from).unwrap_or_default()
}

/// The HTTP status: OpenAI's clients know no 529.
#[must_use]
pub fn error_status(error: &ApiError) -> u16 {
    if error.status == 529 { 503 } else { error.status }
}

fn type_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::RequestTooLarge => "invalid_request_error",
        ErrorKind::Billing => "insufficient_quota",
        ErrorKind::RateLimit => "rate_limit_error",
        ErrorKind::Api | ErrorKind::Timeout | ErrorKind::Overloaded => "server_error",
    }
}

fn code_of(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Authentication => Some("invalid_api_key"),
        ErrorKind::Billing => Some("insufficient_quota"),
        ErrorKind::Permission => Some("permission_denied"),
        ErrorKind::NotFound => Some("not_found"),
        ErrorKind::RequestTooLarge => Some("request_too_large"),
        ErrorKind::RateLimit => Some("rate_limit_exceeded"),
        ErrorKind::InvalidRequest | ErrorKind::Api | ErrorKind::Timeout | ErrorKind::Overloaded => None,
    }
}

/// Reads an error answer of the Messages API. Of a body in any other shape (a gateway's HTML) nothing is passed on.
#[must_use]
pub fn error_from_upstream(status: u16, body: &[u8]) -> ApiError {
    let Some(told) = ErrorBody::parse(body) else {
        let kind = ErrorKind::from_status(status);
        return ApiError::new(kind, format!("upstream answered {status}")).with_status(status);
    };
    let kind = ErrorKind::from_type(&told.kind).unwrap_or(ErrorKind::from_status(status));
    read(kind, &told).with_status(status)
}

/// Reads the `error` event of a Messages stream.
#[must_use]
pub fn error_from_event(told: &ErrorBody<'_>) -> ApiError {
    read(ErrorKind::from_type(&told.kind).unwrap_or(ErrorKind::Api), told)
}

fn read(kind: ErrorKind, told: &ErrorBody<'_>) -> ApiError {
    let error = ApiError::new(kind, &*told.message);
    match kind {
        ErrorKind::InvalidRequest if is_context_overflow(&told.message) => {
            ApiError { path: Some("messages".into()), ..error.with_code("context_length_exceeded") }
        }
        ErrorKind::NotFound if told.message.starts_with("model") => {
            ApiError { path: Some("model".into()), ..error.with_code("model_not_found") }
        }
        _ => error,
    }
}

fn is_context_overflow(message: &str) -> bool {
    message.contains("prompt is too long") || message.contains("exceed context limit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(status: u16, kind: &str, message: &str) -> ApiError {
        let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
        error_from_upstream(status, body.as_bytes())
    }

    fn told(error: &ApiError) -> (u16, serde_json::Value) {
        let body: serde_json::Value = serde_json::from_slice(&error_body(error)).unwrap();
        (error_status(error), body["error"].clone())
    }

    #[test]
    fn upstream_errors_become_openais() {
        let rows = [
            (400, "invalid_request_error", "bad", 400, "invalid_request_error", None),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 9 > 8",
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
            ),
            (401, "authentication_error", "no", 401, "invalid_request_error", Some("invalid_api_key")),
            (403, "permission_error", "no", 403, "invalid_request_error", Some("permission_denied")),
            (404, "not_found_error", "model: x", 404, "invalid_request_error", Some("model_not_found")),
            (413, "request_too_large", "big", 413, "invalid_request_error", Some("request_too_large")),
            (429, "rate_limit_error", "slow", 429, "rate_limit_error", Some("rate_limit_exceeded")),
            (500, "api_error", "oh", 500, "server_error", None),
            (504, "timeout_error", "late", 504, "server_error", None),
            (529, "overloaded_error", "full", 503, "server_error", None),
        ];
        for (status, kind, message, expected_status, expected_type, code) in rows {
            let (status, body) = told(&upstream(status, kind, message));
            assert_eq!(status, expected_status);
            assert_eq!(body["message"], message);
            assert_eq!(body["type"], expected_type);
            assert_eq!(body["code"].as_str(), code, "{message}");
        }
    }

    #[test]
    fn an_invalid_request_names_its_param() {
        let (_, body) = told(&ApiError::invalid("messages[1].role", "field required"));
        assert_eq!(body["param"], "messages[1].role");
    }

    #[test]
    fn a_gateways_page_is_not_passed_on() {
        let error = error_from_upstream(502, b"<html>internal host name</html>");
        assert_eq!((error.status, error.message.as_str()), (502, "upstream answered 502"));
    }
}
