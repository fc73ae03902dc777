//! OpenAI's Chat Completions: requests in, answers, chunks and errors out.
//! <https://platform.openai.com/docs/api-reference/chat>

mod error;
mod request;
mod response;

use bytes::Bytes;

use crate::models::Rules;

pub use error::{error_body, error_from_event, error_from_upstream, error_status};
pub use request::{Places, translate};
pub use response::{ChunkEncoder, encode_answer};

/// What the server adds to a request.
#[derive(Clone, Copy)]
pub struct Defaults<'a> {
    /// Used when the request names no model, or `default`.
    pub default_model: &'a str,
    /// Used when the request names no limit.
    pub max_tokens: u32,
    /// Whether a parameter that would be ignored is a 400 instead.
    pub strict: bool,
    /// Whether `user` goes upstream as it is; else as its SHA-256.
    pub plain_user: bool,
    /// Alias or retired name → model that serves it.
    pub resolve: &'a dyn Fn(&str) -> String,
    /// What the model that serves takes: the table's rules, less what the backend can't carry.
    pub rules: &'a dyn Fn(&str) -> Rules,
}

/// A request in the Messages API's language.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The Messages request, `stream` set as asked.
    pub body: Bytes,
    /// The model as the caller named it; answers repeat it.
    pub asked_model: String,
    /// The model that serves.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the stream ends with a usage chunk.
    pub include_usage: bool,
    /// Parameters accepted without effect, for `x-ignored-parameters`; safe in a header.
    pub ignored: Vec<String>,
    /// The way back from a path in `body` to the caller's own.
    pub places: Places,
}
