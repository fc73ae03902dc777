//! Content blocks: which kinds may stand where, and the members of those that clients write themselves.

use super::fields::{self, unknown_tag};
use super::{Flaw, Object, sources};
use crate::signature;
use serde_json::Value;

pub(super) const SYSTEM: &[&str] = &["text"];

pub(super) const SYSTEM_MESSAGE: &[&str] = &["text", "tool_addition", "tool_removal"];

pub(super) const USER: &[&str] = &[
    "text",
    "image",
    "document",
    "search_result",
    "tool_result",
    "container_upload",
    "compaction",
    "mcp_tool_result",
    "browser_state",
];

pub(super) const ASSISTANT: &[&str] = &[
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "advisor_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "mcp_tool_listing",
    "container_upload",
    "compaction",
    "connector_text",
    "fallback",
];

const RESULT: &[&str] = &["text", "image", "search_result", "document", "tool_reference", "browser_state"];

/// Checks `content`, a string or blocks; true when it is empty.
pub(super) fn content(value: &Value, allowed: &[&str]) -> Result<bool, Flaw> {
    if let Some(text) = value.as_str() {
        return Ok(text.is_empty());
    }
    let Some(items) = value.as_array() else {
        return Err(Flaw::here("Input should be a valid string or list"));
    };
    for (index, block) in items.iter().enumerate() {
        check(block, allowed).map_err(|flaw| flaw.within(index))?;
    }
    Ok(items.is_empty())
}

/// Checks one block.
pub(super) fn check(value: &Value, allowed: &[&str]) -> Result<(), Flaw> {
    let block = fields::object(value)?;
    let kind = fields::string(block, "type")?;
    if !allowed.contains(&kind) {
        return Err(unknown_tag(kind, allowed));
    }
    let checked = match kind {
        "text" => text(block),
        "image" => image(block),
        "document" => document(block),
        "tool_use" => tool_use(block),
        "tool_result" => tool_result(block),
        "thinking" => return thinking(block),
        "redacted_thinking" => return redacted_thinking(block),
        _ => Ok(()),
    };
    checked.map_err(|flaw| flaw.within(kind))
}

fn text(block: &Object) -> Result<(), Flaw> {
    fields::only(block, &["type", "text", "cache_control", "citations"])?;
    let text = fields::string(block, "text")?;
    if text.is_empty() && block.get("cache_control").is_some_and(|control| !control.is_null()) {
        return Err(Flaw::here("cache_control cannot be set for empty text blocks"));
    }
    if text.is_empty() {
        return Err(Flaw::here("text content blocks must be non-empty"));
    }
    if text.trim().is_empty() {
        return Err(Flaw::here("text content blocks must contain non-whitespace text"));
    }
    Ok(())
}

fn image(block: &Object) -> Result<(), Flaw> {
    fields::only(block, &["type", "source", "cache_control", "transformations"])?;
    sources::image(fields::required(block, "source")?).map_err(|flaw| flaw.within("source"))
}

fn document(block: &Object) -> Result<(), Flaw> {
    fields::only(block, &["type", "source", "cache_control", "citations", "context", "title"])?;
    sources::document(fields::required(block, "source")?).map_err(|flaw| flaw.within("source"))
}

fn tool_use(block: &Object) -> Result<(), Flaw> {
    fields::only(block, &["type", "id", "name", "input", "cache_control", "caller", "toolset_name"])?;
    identifier(block, "id")?;
    let name = fields::string(block, "name")?;
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Flaw::at("name", "String should have between 1 and 200 characters"));
    }
    if !fields::required(block, "input")?.is_object() {
        return Err(Flaw::at("input", "Input should be a valid dictionary"));
    }
    Ok(())
}

fn tool_result(block: &Object) -> Result<(), Flaw> {
    let known = ["type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"];
    fields::only(block, &known)?;
    identifier(block, "tool_use_id")?;
    if let Some(is_error) = block.get("is_error").filter(|value| !value.is_null()) {
        fields::boolean(is_error).map_err(|flaw| flaw.within("is_error"))?;
    }
    match block.get("content") {
        None | Some(Value::Null) => Ok(()),
        Some(value) => content(value, RESULT).map(drop).map_err(|flaw| flaw.within("content")),
    }
}

fn identifier(block: &Object, name: &str) -> Result<(), Flaw> {
    let id = fields::string(block, name)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.is_empty() || !id.chars().all(fits) {
        return Err(Flaw::at(name, "String should match pattern '^[a-zA-Z0-9_-]+$'"));
    }
    Ok(())
}

fn thinking(block: &Object) -> Result<(), Flaw> {
    let checked = fields::only(block, &["type", "thinking", "signature"])
        .and_then(|()| Ok((fields::string(block, "thinking")?, fields::string(block, "signature")?)));
    let (text, signature) = checked.map_err(|flaw| flaw.within("thinking"))?;
    if signature != signature::sign(text) {
        return Err(Flaw::here("Invalid `signature` in `thinking` block"));
    }
    Ok(())
}

fn redacted_thinking(block: &Object) -> Result<(), Flaw> {
    let data = fields::only(block, &["type", "data"])
        .and_then(|()| fields::string(block, "data"))
        .map_err(|flaw| flaw.within("redacted_thinking"))?;
    if !signature::is_redacted(data) {
        return Err(Flaw::here("Invalid `data` in `redacted_thinking` block"));
    }
    Ok(())
}
