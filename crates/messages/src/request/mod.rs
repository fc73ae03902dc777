//! A borrowed view of a Messages request, for those who must look inside (Claude Code). Every problem is a 400 that
//! names its JSON path; what is not known passes.
//! <https://platform.claude.com/docs/en/api/messages/create>

mod block;
mod pairing;
mod settings;
mod turn;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub use turn::{BlockView, Turn};

use crate::ApiError;
use crate::json::{self, Members, Path};

const KNOWN: [&str; 14] = [
    "model",
    "max_tokens",
    "stream",
    "system",
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
];

/// A Messages request whose known members were checked. `null` counts as absent.
#[derive(Debug)]
pub struct Request<'a> {
    /// The model asked for.
    pub model: Cow<'a, str>,
    /// The limit of the answer.
    pub max_tokens: u64,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The system prompt: a string or text blocks.
    pub system: Option<&'a RawValue>,
    /// The conversation, never empty.
    pub messages: Vec<Turn<'a>>,
    /// Tools: an array of objects.
    pub tools: Option<&'a RawValue>,
    /// An object with a `type`.
    pub tool_choice: Option<&'a RawValue>,
    /// An object with a `type`.
    pub thinking: Option<&'a RawValue>,
    /// An object.
    pub output_config: Option<&'a RawValue>,
    /// A number from 0 to 1.
    pub temperature: Option<&'a RawValue>,
    /// A number from 0 to 1.
    pub top_p: Option<&'a RawValue>,
    /// A non-negative integer.
    pub top_k: Option<&'a RawValue>,
    /// An array of strings, none of them blank.
    pub stop_sequences: Option<&'a RawValue>,
    /// An object.
    pub metadata: Option<&'a RawValue>,
    /// All other top-level members.
    pub others: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Request<'a> {
    /// Reads and checks a request's body.
    pub fn parse(body: &'a [u8]) -> Result<Self, ApiError> {
        let mut members: Members<'a> = json::read(json::text(body)?, &Path::Root)?;
        if let Some(key) = members.duplicate(&KNOWN) {
            return Err(ApiError::invalid(key, "given twice"));
        }
        let settings = settings::read(&mut members)?;
        let system = members.take("system");
        if let Some(system) = system {
            turn::system(system, &Path::Root.key("system"))?;
        }
        let at = Path::Root.key("messages");
        let messages =
            turn::read_all(members.take("messages").ok_or_else(|| at.invalid("field required"))?, &at)?;
        pairing::check(&messages)?;
        Ok(Self { system, messages, others: members.0, ..settings })
    }
}
