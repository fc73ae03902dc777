//! OpenAI's Chat Completions: requests in, answers, chunks and errors out.
//! <https://platform.openai.com/docs/api-reference/chat>

pub mod grammar;
mod request;
mod response;

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::openai::Places;
pub use crate::openai::{
    Defaults, ThinkingBlock, Thought, Thoughts, error_body, error_from_event, error_from_upstream,
    error_status,
};
pub use request::{translate, translate_completion};
pub use response::{ChoicesEncoder, Heading, encode_answers};

/// A request in the Messages API's language.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The Messages request, `stream` set as asked.
    pub body: Bytes,
    /// The requests whose answers are the choices after the first.
    pub further: Vec<Bytes>,
    /// The model as the caller named it; answers repeat it.
    pub asked_model: String,
    /// The model that serves.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the stream ends with a usage chunk.
    pub include_usage: bool,
    /// What the answer has to look like.
    pub shape: Shape,
    /// Parameters accepted without effect, for `x-ignored-parameters`; safe in a header.
    pub ignored: Vec<String>,
    /// The way back from a path in `body` to the caller's own.
    pub places: Places,
}

/// What of a request its answer must be turned back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Tools that take free text; the Messages API has them with one string as their input.
    pub custom_tools: BTreeSet<String>,
    /// The tool whose input is the answer's content.
    pub content_tool: Option<String>,
    /// Calls are given as `function_call`, as they were before there were tools.
    pub functions: bool,
    /// The answer is a legacy completion.
    pub text: bool,
    /// What comes before the text of each choice of a legacy completion.
    pub echo: Vec<String>,
}
