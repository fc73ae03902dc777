//! Errors on the way to the model come in Google's shape, those of the model's own in the Messages API's.
//! <https://cloud.google.com/apis/design/errors>

use http::StatusCode;
use messages::{ApiError, ErrorKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    error: Google,
}

#[derive(Deserialize)]
struct Google {
    #[serde(default)]
    message: String,
}

/// Of a streamed call Google gives a list of errors, of one. It is tried first: a struct may be read from a list, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bodies {
    Many(Vec<Body>),
    One(Body),
}

/// Whether the body is an error of the Messages API already.
pub(super) fn is_messages(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_slice::<Typed>(body).is_ok_and(|body| body.r#type == "error")
}

/// What clients are told of Google's error.
pub(super) fn error(status: StatusCode, body: &[u8]) -> ApiError {
    let said = match serde_json::from_slice(body) {
        Ok(Bodies::One(body)) => body.error.message,
        Ok(Bodies::Many(bodies)) => {
            bodies.into_iter().next().map_or_else(String::new, |body| body.error.message)
        }
        Err(_) => String::new(),
    };
    let told = if said.is_empty() { format!("Vertex AI answered with {status}.") } else { said };
    match status.as_u16() {
        // Of this server's credentials, not of the caller's.
        401 => ApiError::new(ErrorKind::Api, told).with_status(502),
        status => ApiError::new(ErrorKind::from_status(status), told).with_status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_words_are_kept_whichever_way_they_come() {
        let body = r#"{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED"}}"#;
        for body in [body.to_owned(), format!("[{body}]")] {
            let error = error(StatusCode::TOO_MANY_REQUESTS, body.as_bytes());
            assert_eq!(
                (error.kind, error.status, error.message.as_str()),
                (ErrorKind::RateLimit, 429, "Quota exceeded.")
            );
        }
        assert_eq!(error(StatusCode::UNAUTHORIZED, b"").status, 502, "not the caller's credentials");
        assert_eq!(error(StatusCode::NOT_FOUND, b"<html>").message, "Vertex AI answered with 404 Not Found.");
    }

    #[test]
    fn the_models_own_errors_are_known() {
        assert!(is_messages(
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
        ));
        assert!(!is_messages(br#"{"error":{"code":500}}"#) && !is_messages(b"") && !is_messages(b"[]"));
    }
}
