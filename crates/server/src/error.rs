//! The one place where an error becomes a response.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Method};
use http_body::Body as _;
use messages::{ApiError, ErrorKind};

use crate::dialect::Dialect;
use crate::pipeline::{Ended, Exchange};

/// The response for `error` in `dialect`. `headers` are kept: what upstream said beside its error, or our limits.
pub(crate) fn respond(dialect: Dialect, error: &ApiError, request_id: &str, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::from(dialect.error_body(error, request_id)));
    *response.status_mut() = dialect.error_status(error);
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, kind)) = dialect.error_header(error) {
        headers.insert(name, HeaderValue::from_static(kind));
    }
    if let Some(wait) = error.retry_after {
        headers.entry(RETRY_AFTER).or_insert_with(|| HeaderValue::from(wait.as_secs_f64().ceil() as u64));
    }
    if matches!(error.kind, ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::Billing) {
        // Without it `claude` retries a 401 for over a minute, and others a 429 that no wait will change.
        headers.entry("x-should-retry").or_insert(HeaderValue::from_static("false"));
    }
    if error.kind == ErrorKind::Authentication {
        headers.entry(WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    response
}

/// Ends an exchange with an error answer.
pub(crate) fn finish(mut exchange: Exchange, error: &ApiError, headers: HeaderMap) -> Response {
    let response = respond(exchange.dialect, error, &exchange.request_id, headers);
    exchange.sent_error(usize::try_from(response.body().size_hint().lower()).unwrap_or_default());
    exchange.answered(response.status().as_u16());
    exchange.end(Ended::Complete);
    response
}

/// 404 for a path that this server does not have.
pub(crate) fn no_such_path(dialect: Dialect, method: &Method, path: &str, request_id: &str) -> Response {
    let message = match what_claude_has_not(path) {
        Some(reason) => format!("{reason}: {path} cannot be served."),
        None => format!("There is no {method} {path} here."),
    };
    respond(dialect, &ApiError::new(ErrorKind::NotFound, message), request_id, HeaderMap::new())
}

/// 405 for a path that exists under other methods; the router adds `allow`.
pub(crate) fn wrong_method(dialect: Dialect, method: &Method, path: &str, request_id: &str) -> Response {
    let message = format!("{path} does not take {method}.");
    let error = ApiError::new(ErrorKind::InvalidRequest, message).with_status(405);
    respond(dialect, &error, request_id, HeaderMap::new())
}

/// OpenAI endpoints that no Claude model can serve, and why.
fn what_claude_has_not(path: &str) -> Option<&'static str> {
    let first = path.strip_prefix("/v1/")?.split('/').next()?;
    match first {
        "embeddings" => Some("Claude has no embeddings"),
        "audio" | "realtime" => Some("Claude has no audio"),
        "images" => Some("Claude has no image generation"),
        "videos" => Some("Claude has no video generation"),
        "moderations" => Some("Claude has no moderation model"),
        "fine_tuning" => Some("Claude has no fine-tuning"),
        "batches" => Some("Claude has no OpenAI batches, only its own at /v1/messages/batches"),
        "assistants" | "threads" => Some("Claude has no assistants"),
        "vector_stores" => Some("Claude has no vector stores"),
        "uploads" => Some("Claude has no uploads in parts"),
        "evals" => Some("Claude has no evals"),
        "containers" => Some("Claude has no OpenAI containers"),
        _ => None,
    }
}
