//! The Anthropic dialect: the Messages API's own shapes for what the proxy itself has to say.
//! <https://platform.claude.com/docs/en/api/errors>

use bytes::{Bytes, BytesMut};
use messages::{ApiError, RawEvent};
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Detail<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Detail<'a> {
    r#type: &'static str,
    message: &'a str,
}

fn envelope(error: &ApiError, request_id: Option<&str>) -> Vec<u8> {
    let detail = Detail { r#type: error.kind.as_str(), message: &error.message };
    // A struct of strings always serialises; an empty body would still be an error by its status.
    serde_json::to_vec(&Envelope { r#type: "error", error: detail, request_id }).unwrap_or_default()
}

/// The body of an error answer.
#[must_use]
pub fn error_body(error: &ApiError, request_id: &str) -> Bytes {
    envelope(error, Some(request_id)).into()
}

/// The `error` event that ends a stream which can't go on.
pub fn error_event(out: &mut BytesMut, error: &ApiError, request_id: Option<&str>) {
    wire::sse::write_event(out, "error", &envelope(error, request_id));
}

/// One event as SSE.
pub fn write_event(out: &mut BytesMut, event: &RawEvent) {
    wire::sse::write_event(out, &event.name, &event.data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_of_the_api_in_body_and_stream() {
        let error = ApiError::invalid("max_tokens", "field required");
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: field required"}"#;
        assert_eq!(error_body(&error, "req_1"), format!("{body},\"request_id\":\"req_1\"}}"));
        let mut out = BytesMut::new();
        error_event(&mut out, &error, None);
        assert_eq!(out, format!("event: error\ndata: {body}}}\n\n"));
    }
}
