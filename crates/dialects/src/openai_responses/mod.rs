//! OpenAI's Responses API: requests in, response objects, their events and their items out.
//! <https://platform.openai.com/docs/api-reference/responses>
//!
//! What a server must keep (earlier responses, their items) is handed in and out as JSON; nothing is kept here.

mod echo;
pub mod grammar;
mod input_items;
mod kept;
mod peek;
mod request;
mod response;
mod sealed;
mod stored;

use bytes::Bytes;

use crate::openai::Places;
pub use crate::openai::{Defaults, error_body, error_from_event, error_from_upstream, error_status};
pub use echo::Echo;
pub use input_items::{input_items, item_list};
pub use peek::{Peek, peek};
pub use request::{translate, translate_for_counting};
pub use response::{EventEncoder, encode_answer};
pub use stored::{Ending, deleted, ended, input_tokens};

/// What the server has of earlier responses, as far as this request goes on from them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Earlier<'a> {
    /// The conversation that `previous_response_id` names, oldest first: of each response its input items
    /// ([`input_items`]) and then its output (`output` of the response object), each a JSON array.
    pub conversation: &'a [Bytes],
    /// The items that [`Peek::references`] names and that were found, each a JSON object with its `id`.
    pub referenced: &'a [Bytes],
}

/// A request in the Messages API's language.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The Messages request, `stream` set as asked.
    pub body: Bytes,
    /// What `anthropic-beta` must name for it.
    pub betas: Vec<&'static str>,
    /// The model as the caller named it; answers repeat it.
    pub asked_model: String,
    /// The model that serves.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the response is to be kept; OpenAI's default is yes.
    pub store: bool,
    /// Whether the response is made while the caller polls.
    pub background: bool,
    /// Parameters accepted without effect, for `x-ignored-parameters`; safe in a header.
    pub ignored: Vec<String>,
    /// What the response object repeats of the request.
    pub echo: Echo,
    /// The way back from a path in `body` to the caller's own.
    pub places: Places,
}
