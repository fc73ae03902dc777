//! A message's content on its way to the program. It keeps its bytes, but for what can't arrive: that is taken out, or
//! will stand in another place, and is named.

use std::borrow::Cow;

use bytes::Bytes;
use messages::json::{Path, Text};
use messages::request::{BlockView, Turn as Message};
use messages::{ApiError, Ignored};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::json::edit::Edit;

/// The content as it is told.
pub(crate) fn carried<'a>(
    message: &Message<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Cow<'a, str>, ApiError> {
    let raw = message.content.get();
    let Some(blocks) = &message.blocks else { return Ok(raw.into()) };
    check_failures(blocks, at)?;
    if message.role == "assistant" && calls_come_first(blocks) {
        // The program puts calls at the end, as the API itself has them.
        ignored.note_at(at);
    }
    if !["\"cache_control\"", "\"citations\""].iter().any(|name| raw.contains(name)) {
        return Ok(raw.into());
    }
    let mut told = Vec::with_capacity(blocks.len());
    let mut changed = false;
    for block in blocks {
        let mut block = Block { kind: &block.kind, json: block.raw.get().into() };
        if message.role == "assistant" && block.without_citations()? {
            changed = true;
        }
        if block.without_cache_marks()? {
            changed = true;
            ignored.note("cache_control");
        }
        told.push(block.json);
    }
    Ok(if changed { format!("[{}]", told.join(",")).into() } else { raw.into() })
}

/// As the API does, refuses a failed result with anything but text: the program would drop the rest.
fn check_failures(blocks: &[BlockView<'_>], at: &Path<'_>) -> Result<(), ApiError> {
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.kind == "tool_result") {
        let Ok(result) = serde_json::from_str::<ToolResult<'_>>(block.raw.get()) else { continue };
        let parts = parts(&result).filter(|_| result.is_error == Some(true)).unwrap_or_default();
        let kinds = parts.iter().map(|part| serde_json::from_str::<Kind<'_>>(part.get()));
        if let Some(part) = kinds.into_iter().position(|part| part.is_ok_and(|part| part.kind.0 != "text")) {
            let (at, told) = (at.index(index), "a result with is_error can hold text only");
            return Err(at.key("content").index(part).key("type").invalid(told));
        }
    }
    Ok(())
}

/// Whether anything stands after a call.
fn calls_come_first(blocks: &[BlockView<'_>]) -> bool {
    let first = blocks.iter().position(|block| block.kind == "tool_use");
    first.is_some_and(|first| blocks[first..].iter().any(|block| block.kind != "tool_use"))
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

#[derive(Deserialize)]
struct ToolResult<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    is_error: Option<bool>,
}

/// The parts of a result that is not a text.
fn parts<'a>(result: &ToolResult<'a>) -> Option<Vec<&'a RawValue>> {
    serde_json::from_str(result.content?.get()).ok()
}

#[derive(Deserialize)]
struct Cited<'a> {
    #[serde(borrow)]
    citations: Option<Vec<&'a RawValue>>,
}

/// A block that may have to change.
struct Block<'a> {
    kind: &'a str,
    json: Cow<'a, str>,
}

impl Block<'_> {
    /// Takes the citations out of a text, which the program would leave empty. Tells whether there were any.
    fn without_citations(&mut self) -> Result<bool, ApiError> {
        let cited = serde_json::from_str(&self.json)
            .is_ok_and(|block: Cited<'_>| block.citations.is_some_and(|citations| !citations.is_empty()));
        let taken = self.kind == "text" && cited;
        if taken {
            self.json = without(&self.json, "citations")?.into();
        }
        Ok(taken)
    }

    /// Takes the caller's cache marks out: with the program's own there could be more than the API allows. Tells
    /// whether there were any.
    fn without_cache_marks(&mut self) -> Result<bool, ApiError> {
        if !self.json.contains("\"cache_control\"") {
            return Ok(false);
        }
        let mut bare = without(&self.json, "cache_control")?;
        if self.kind == "tool_result" {
            let result = serde_json::from_str::<ToolResult<'_>>(&bare).ok();
            let parts = result.as_ref().and_then(parts).unwrap_or_default();
            if parts.iter().any(|part| part.get().contains("\"cache_control\"")) {
                let parts = parts.iter().map(|part| without(part.get(), "cache_control"));
                let parts = parts.collect::<Result<Vec<_>, _>>()?.join(",");
                bare = with_content(&bare, &format!("[{parts}]"))?;
            }
        }
        let taken = bare != *self.json;
        self.json = bare.into();
        Ok(taken)
    }
}

fn without(json: &str, member: &str) -> Result<String, ApiError> {
    let json = Bytes::copy_from_slice(json.as_bytes());
    text(Edit::new(&json).remove(member))
}

fn with_content(json: &str, content: &str) -> Result<String, ApiError> {
    let json = Bytes::copy_from_slice(json.as_bytes());
    text(Edit::new(&json).set("content", content))
}

fn text(edit: Edit<'_>) -> Result<String, ApiError> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::invalid("messages", error.to_string());
    let edited = edit.finish().map_err(|error| invalid(&error))?;
    Ok(std::str::from_utf8(&edited).map_err(|error| invalid(&error))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::request::Request;
    use serde_json::{Value, json};

    /// The content of an assistant's message as it is told, and what is named.
    fn answer(blocks: &Value) -> (Value, Vec<String>) {
        let results: Vec<Value> = blocks.as_array().into_iter().flatten().filter_map(result_of).collect();
        let messages = json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": if results.is_empty() { json!("b") } else { results.into() }},
        ]);
        told(&messages, 1).unwrap()
    }

    fn result_of(block: &Value) -> Option<Value> {
        let id = block.get("id")?;
        Some(json!({"type": "tool_result", "tool_use_id": id, "content": "r"}))
    }

    fn told(messages: &Value, index: usize) -> Result<(Value, Vec<String>), ApiError> {
        let body = json!({"model": "m", "max_tokens": 1, "messages": messages}).to_string();
        let request = Request::parse(body.as_bytes())?;
        let (root, mut ignored) = (Path::Root.key("messages"), Ignored::default());
        let content = carried(&request.messages[index], &root.index(index).key("content"), &mut ignored)?;
        Ok((serde_json::from_str(&content).unwrap(), ignored.names()))
    }

    #[test]
    fn citations_of_an_answer_are_taken_out_and_those_asked_for_stay() {
        let cited = json!([
            {"type": "text", "text": "blue", "citations": [{"type": "char_location", "cited_text": "sky"}]},
            {"type": "text", "text": "\"citations\"", "citations": null},
        ]);
        let bare = json!([{"type": "text", "text": "blue"}, {"type": "text", "text": "\"citations\"", "citations": null}]);
        assert_eq!(answer(&cited), (bare, Vec::new()));
        let source = json!({"type": "text", "media_type": "text/plain", "data": "d"});
        let asked = json!([{"type": "document", "source": source, "citations": {"enabled": true}}]);
        assert_eq!(told(&json!([{"role": "user", "content": asked}]), 0).unwrap(), (asked, vec![]));
    }

    #[test]
    fn a_text_after_a_call_is_named_since_it_will_stand_before_it() {
        let call = json!({"type": "tool_use", "id": "t", "name": "n", "input": {}});
        let text = json!({"type": "text", "text": "after"});
        assert_eq!(answer(&json!([call, text])).1, ["messages[1].content"]);
        assert_eq!(answer(&json!([text, call])).1, Vec::<String>::new());
    }

    #[test]
    fn a_failed_result_with_more_than_text_is_refused_by_its_path() {
        let image = json!({"type": "image", "source": {"type": "url", "url": "https://x/a.png"}});
        let with = |parts: Value, failed: bool| {
            let result =
                json!({"type": "tool_result", "tool_use_id": "t", "content": parts, "is_error": failed});
            let call = json!({"type": "tool_use", "id": "t", "name": "n", "input": {}});
            let messages = json!([
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ]);
            told(&messages, 2)
        };
        let texts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let refused = with(json!([{"type": "text", "text": "a"}, image]), true).unwrap_err();
        assert_eq!(refused.path.as_deref(), Some("messages[2].content[0].content[1].type"));
        assert!(
            with(json!([image]), false).is_ok()
                && with(texts, true).is_ok()
                && with(json!("t"), true).is_ok()
        );
    }
}
