//! Stored response objects and what is said of them.

use bytes::Bytes;
use messages::ApiError;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::json::Malformed;
use wire::json::edit::Edit;

use super::response::ResponseError;

/// How a response ended that did not end by itself.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The caller cancelled it.
    Cancelled,
    /// It could not be made.
    Failed(&'a ApiError),
    /// It began.
    InProgress,
}

/// A stored response object in its new state; all else of it stays.
///
/// # Errors
/// [`Malformed`] when `response` is no JSON object.
pub fn ended(response: &Bytes, ending: Ending<'_>) -> Result<Bytes, Malformed> {
    match ending {
        Ending::Cancelled => Edit::new(response).set("status", r#""cancelled""#).finish(),
        Ending::InProgress => Edit::new(response).set("status", r#""in_progress""#).finish(),
        Ending::Failed(error) => {
            let told = serde_json::to_string(&ResponseError::of(error)).unwrap_or_default();
            Edit::new(response).set("status", r#""failed""#).set("error", &told).finish()
        }
    }
}

/// What `DELETE /v1/responses/{id}` answers.
#[must_use]
pub fn deleted(response_id: &str) -> Bytes {
    #[derive(Serialize)]
    struct Deleted<'a> {
        id: &'a str,
        object: &'static str,
        deleted: bool,
    }
    json(&Deleted { id: response_id, object: "response", deleted: true })
}

/// What `POST /v1/responses/input_tokens` answers.
#[must_use]
pub fn input_tokens(count: u64) -> Bytes {
    #[derive(Serialize)]
    struct Counted {
        object: &'static str,
        input_tokens: u64,
    }
    json(&Counted { object: "response.input_tokens", input_tokens: count })
}

/// Structs of strings and numbers always serialise.
pub(super) fn json<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// The same as a value that others can hold.
pub(super) fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
