//! What OpenAI's two dialects, Chat Completions and Responses, have in common.

pub(crate) mod answer_tool;
pub(crate) mod base64;
pub(crate) mod citation;
pub(crate) mod compact;
pub(crate) mod content;
pub(crate) mod effort;
mod error;
pub(crate) mod format;
pub(crate) mod input_text;
pub(crate) mod media;
pub(crate) mod origin;
pub(crate) mod output;
pub(crate) mod places;
pub(crate) mod sampling;
pub(crate) mod schema;
pub(crate) mod settings;
pub(crate) mod thought;
pub(crate) mod tools;
pub(crate) mod turns;
pub(crate) mod web_search;

use messages::ApiError;
use messages::json::Path;

pub use error::{error_body, error_from_event, error_from_upstream, error_status};
pub use places::Places;
pub use settings::Defaults;
pub use thought::{ThinkingBlock, Thought, Thoughts};

/// The request itself is the root of all paths.
pub(crate) static ROOT: Path<'static> = Path::Root;

/// What a refusal says where the API gives no explanation.
pub(crate) const REFUSED: &str = "The model refused to answer.";

/// A 400 that says which parameter can't be served.
pub(crate) fn unsupported(at: &Path<'_>, message: &str) -> ApiError {
    at.invalid(message).with_code("unsupported_parameter")
}
