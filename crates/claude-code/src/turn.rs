//! One turn as the program will be told it: read and checked before any process starts.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use messages::json::{self, Members, Path, Text};
use messages::request::Request;
use messages::{ApiError, Ignored};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::argv;
use crate::conversation::Mark;
use crate::history;
use crate::parameters;
use crate::settings::Credentials;
use crate::tools::{self, ToolResult, Tools};
use crate::transcript::{self, Transcript};

/// A checked turn, ready to start.
pub struct Turn {
    /// Request fields that can't be honoured over this backend, by name, for `x-ignored-parameters`.
    pub ignored: Vec<String>,
    /// The model as it is given to the program.
    pub(crate) model: String,
    /// `initialize`'s system prompt: a string, or an array of strings.
    pub(crate) system: Box<RawValue>,
    /// The environment settings of this turn.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Lines of the conversation before the last message, in order.
    pub(crate) history: Vec<Line>,
    /// The content of the last message, which asks.
    pub(crate) last: Box<RawValue>,
    /// The caller's tools.
    pub(crate) tools: Arc<Tools>,
    /// The conversation up to its last answer: a process that has heard just this can go on.
    pub(crate) before: Option<Mark>,
    /// The conversation with its last message.
    pub(crate) asked: Mark,
}

/// A line of history.
pub(crate) struct Line {
    pub(crate) json: Bytes,
    /// The program answers a user line with a `result` that must be awaited; an assistant line it does not.
    pub(crate) answered: bool,
}

/// Never shows the conversation.
impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("model", &self.model)
            .field("ignored", &self.ignored)
            .field("history", &self.history.len())
            .finish_non_exhaustive()
    }
}

impl Turn {
    /// The model that will serve.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Reads and checks a request.
    pub(crate) fn read(body: &[u8], owner: &str, credentials: Credentials) -> Result<Self, ApiError> {
        let request = Request::parse(body)?;
        argv::check_model(&request.model)?;
        let mut ignored = Ignored::default();
        let tools = Tools::read(request.tools, &mut ignored)?;
        let tool_choice = tools::choice(request.tool_choice, &tools, &mut ignored)?;
        let system = system(request.system, &mut ignored)?;
        let begin = Mark::begin(owner, &request.model, system.get(), &tools.list());
        let told = history::tell(&request.messages, &request.model, begin, &mut ignored)?;
        let settings = parameters::settings(&request, tool_choice.as_deref(), credentials, &mut ignored);
        ignored.rest_of(Members(request.others));
        let ignored = ignored.names();
        let model = request.model.into_owned();
        let history::Told { history, last, before, asked } = told;
        let tools = Arc::new(tools);
        Ok(Self { ignored, model, system, settings, history, last, tools, before, asked })
    }

    /// Whether its history is told quicker by a transcript, if a spare is at hand or if none is.
    pub(crate) fn is_rather_resumed(&self, from_turns: usize, spare: bool) -> bool {
        transcript::pays(&self.history, from_turns, spare)
    }

    /// Its history as a transcript, where that pays without a spare.
    pub(crate) fn transcript(&self, from_turns: usize) -> Option<Transcript<'_>> {
        self.is_rather_resumed(from_turns, false).then(|| Transcript::of(&self.history))
    }

    /// The results that the last message consists of, where a process that waits for them can be given them.
    pub(crate) fn results(&self) -> Option<Vec<ToolResult>> {
        tools::results(&self.last)
    }

    /// Whether the last message answers calls, whatever else it holds.
    pub(crate) fn answers_calls(&self) -> bool {
        #[derive(Deserialize)]
        struct Block<'a> {
            #[serde(rename = "type", borrow)]
            kind: Text<'a>,
        }
        let blocks: Vec<Block<'_>> = serde_json::from_str(self.last.get()).unwrap_or_default();
        blocks.iter().any(|block| block.kind.0 == "tool_result")
    }
}

/// The system prompt as the program takes it; it joins several blocks with an empty line.
fn system(raw: Option<&RawValue>, ignored: &mut Ignored) -> Result<Box<RawValue>, ApiError> {
    let at = Path::Root.key("system");
    let built = match raw.map(RawValue::get) {
        None => r#""""#.to_string(),
        Some(text) if text.starts_with('"') => text.to_string(),
        Some(list) => {
            let blocks: Vec<Members<'_>> = json::read(list, &at)?;
            let mut texts = Vec::new();
            for (index, mut block) in blocks.into_iter().enumerate() {
                let at = at.index(index);
                let kind: Text<'_> = block.required("type", &at)?;
                match block.take("text") {
                    Some(text) if kind.0 == "text" => texts.push(text.get()),
                    _ => return Err(at.key("type").invalid("only text can be a system prompt")),
                }
                block.take("cache_control").inspect(|_| ignored.note("cache_control"));
                ignored.rest_below(block, &at.to_string());
            }
            format!("[{}]", texts.join(","))
        }
    };
    RawValue::from_string(built).map_err(|_| at.invalid("must be a string or an array of text blocks"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(change: &Value, credentials: Credentials) -> Result<Turn, ApiError> {
        let mut request =
            json!({"model": "claude-x", "max_tokens": 5, "messages": [{"role": "user", "content": "q"}]});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Turn::read(request.to_string().as_bytes(), "", credentials)
    }

    #[test]
    fn what_can_not_be_carried_is_refused_by_its_path() {
        for (change, path) in [
            (json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), "tools[0].type"),
            (json!({"tool_choice": {"type": "any"}}), "tool_choice"),
            (json!({"model": "--settings=/etc"}), "model"),
            (json!({"system": [{"type": "video", "x": 1}]}), "system[0].type"),
        ] {
            let error = read(&change, Credentials::ApiKey).unwrap_err();
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)));
        }
        assert!(read(&json!({"tools": []}), Credentials::ApiKey).is_ok());
    }

    #[test]
    fn a_system_prompt_is_text_however_it_is_written() {
        let system = |change: Value| read(&change, Credentials::ApiKey).unwrap().system.get().to_string();
        assert_eq!(system(json!({})), r#""""#);
        assert_eq!(system(json!({"system": "a\nb"})), r#""a\nb""#);
        let blocks = json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]);
        assert_eq!(system(json!({"system": blocks})), r#"["a","b"]"#);
        assert_eq!(read(&json!({"system": blocks}), Credentials::ApiKey).unwrap().ignored, ["cache_control"]);
    }

    #[test]
    fn a_turn_never_shows_the_conversation() {
        let change =
            json!({"system": "secret-system", "messages": [{"role": "user", "content": "secret-prompt"}]});
        assert!(!format!("{:?}", read(&change, Credentials::ApiKey).unwrap()).contains("secret"));
    }
}
