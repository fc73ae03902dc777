//! An error answer in the Messages API's shape: `{"type":"error","error":{"type","message"},"request_id"}`.

use serde::Serialize;

/// Why a request is refused: what the real API would answer.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), message: message.into(), headers: Vec::new() }
    }

    /// A 400 `invalid_request_error` with this prose.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A 400 whose prose starts with the place: `messages.0.content: Field required`.
    pub(crate) fn at(path: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self::invalid(format!("{}: {}", path.as_ref(), message.as_ref()))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found_error", message)
    }

    /// A 401, with the header that tells clients not to try again.
    pub(crate) fn unauthenticated(message: &str) -> Self {
        let mut refusal = Self::new(401, "authentication_error", message);
        refusal.headers.push(("x-should-retry", "false"));
        refusal
    }
}

/// The error type that goes with a status.
pub(crate) fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

/// The status that goes with an error type, where an answer that is not streamed fails half-way.
pub(crate) fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// The prose used when a script names only a status.
pub(crate) fn prose_of(kind: &str) -> &'static str {
    match kind {
        "authentication_error" => "invalid x-api-key",
        "billing_error" => "Your credit balance is too low to access the Anthropic API.",
        "permission_error" => "Your API key does not have permission to use the specified resource.",
        "not_found_error" => "Not found",
        "request_too_large" => "Request exceeds the maximum size",
        "rate_limit_error" => "This request would exceed your organization's rate limit.",
        "timeout_error" => "Request timed out",
        "overloaded_error" => "Overloaded",
        "api_error" => "Internal server error",
        _ => "Invalid request",
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    error: Inner<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Inner<'a> {
    r#type: &'a str,
    message: &'a str,
}

/// The JSON body of an error, also the data of an in-stream `error` event.
pub(crate) fn body(kind: &str, message: &str, request_id: Option<&str>) -> String {
    let body = Body { r#type: "error", error: Inner { r#type: kind, message }, request_id };
    serde_json::to_string(&body).unwrap_or_default()
}
