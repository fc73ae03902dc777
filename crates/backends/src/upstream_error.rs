//! An upstream's refusal in the Messages API's own shape, for backends whose APIs have another.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use messages::ApiError;

use crate::{BackendError, Reply, ReplyBody, UpstreamBody};

/// A longer one is no error message.
const MAX_BYTES: usize = 1 << 20;

/// The error body; what is longer than any error, or breaks off, counts as empty: the status is told anyway.
pub(crate) async fn read(body: UpstreamBody) -> Bytes {
    whole(body, MAX_BYTES).await.unwrap_or_default()
}

/// A short body as a whole.
pub(crate) async fn whole(body: UpstreamBody, most_bytes: usize) -> Result<Bytes, BackendError> {
    let whole = Limited::new(body, most_bytes).collect().await;
    Ok(whole.map_err(|error| BackendError::cut(error.to_string()))?.to_bytes())
}

/// The reply that tells `error`.
pub(crate) fn reply(error: &ApiError, mut headers: HeaderMap) -> Reply {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let told = serde_json::json!({"type": "error", "error": {"type": error.kind.as_str(), "message": error.message}});
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Reply { status, headers, body: ReplyBody::Json(told.to_string().into()), ignored: Vec::new(), cost: None }
}
