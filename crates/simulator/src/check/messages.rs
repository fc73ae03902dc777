//! `system` and `messages`: roles, content, and where system messages may stand.

use super::fields::{self, REQUIRED};
use super::{Flaw, Object, blocks, top};
use serde_json::Value;

pub(super) fn check(body: &Object) -> Result<(), Flaw> {
    if let Some(system) = body.get("system") {
        self::system(system).map_err(|flaw| flaw.within("system"))?;
    }
    let messages = body.get("messages").unwrap_or(&Value::Null);
    let messages = fields::list(messages).map_err(|flaw| flaw.within("messages"))?;
    if messages.is_empty() {
        return Err(Flaw::at("messages", "at least one message is required"));
    }
    for (index, message) in messages.iter().enumerate() {
        let last = index + 1 == messages.len();
        self::message(message, last).map_err(|flaw| flaw.within(format_args!("messages.{index}")))?;
    }
    order(messages)
}

fn system(value: &Value) -> Result<(), Flaw> {
    if value.is_string() {
        return Ok(());
    }
    let Some(items) = value.as_array() else {
        return Err(Flaw::here("Input should be a valid string or list"));
    };
    for (index, block) in items.iter().enumerate() {
        blocks::check(block, blocks::SYSTEM).map_err(|flaw| flaw.within(index))?;
    }
    Ok(())
}

fn message(value: &Value, last: bool) -> Result<(), Flaw> {
    let message = fields::object(value)?;
    let role = fields::string(message, "role")?;
    if !["user", "assistant", "system"].contains(&role) {
        return Err(Flaw::at("role", "Input should be 'user', 'assistant' or 'system'"));
    }
    if role == "system" {
        return system_message(message);
    }
    fields::only(message, &["role", "content"])?;
    let content = fields::required(message, "content")?;
    let allowed = if role == "user" { blocks::USER } else { blocks::ASSISTANT };
    let empty = blocks::content(content, allowed).map_err(|flaw| flaw.within("content"))?;
    match (empty, role, last) {
        (true, "user", _) => Err(Flaw::here("user messages must have non-empty content")),
        (true, _, false) => Err(Flaw::here(
            "all messages must have non-empty content except for the optional final assistant message",
        )),
        (_, "assistant", true) if ends_in_whitespace(content) => {
            Err(Flaw::here("final assistant content cannot end with trailing whitespace"))
        }
        _ => Ok(()),
    }
}

/// May be without content when it changes the output's configuration.
fn system_message(message: &Object) -> Result<(), Flaw> {
    fields::only(message, &["role", "content", "output_config", "clear_at"])?;
    let config = message.get("output_config").filter(|config| !config.is_null());
    if let Some(config) = config {
        top::output_config(config).map_err(|flaw| flaw.within("output_config"))?;
    }
    let empty = match message.get("content") {
        Some(content) => {
            blocks::content(content, blocks::SYSTEM_MESSAGE).map_err(|flaw| flaw.within("content"))?
        }
        None if config.is_some() => true,
        None => return Err(Flaw::at("content", REQUIRED)),
    };
    if empty && config.and_then(Value::as_object).is_none_or(Object::is_empty) {
        return Err(Flaw::here("system messages must have non-empty content or an output_config"));
    }
    Ok(())
}

fn ends_in_whitespace(content: &Value) -> bool {
    let text = match content {
        Value::String(text) => Some(text.as_str()),
        Value::Array(blocks) => blocks.last().and_then(|block| block["text"].as_str()),
        _ => None,
    };
    text.is_some_and(|text| text.ends_with(char::is_whitespace))
}

/// The first message is the user's; a system message stands right after a user message (or an assistant message
/// that ends in a server tool's use) and right before an assistant message or the end.
fn order(messages: &[Value]) -> Result<(), Flaw> {
    let role = |message: &Value| message["role"].as_str().unwrap_or_default().to_owned();
    if messages.first().is_some_and(|first| first["role"] != "user") {
        return Err(Flaw::at("messages", "first message must use the \"user\" role"));
    }
    for (index, pair) in messages.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let fault = match (role(before).as_str(), role(after).as_str()) {
            ("system", "system") => "consecutive system messages are not allowed",
            ("system", "user") => {
                "a system message must precede an assistant message or end the conversation"
            }
            ("assistant", "system") if !ends_in_server_tool(before) => {
                "a system message must follow a user message or an assistant message that ends in server tool use"
            }
            _ => continue,
        };
        let place = if role(after) == "system" { index + 1 } else { index };
        return Err(Flaw::at(format!("messages.{place}"), fault));
    }
    Ok(())
}

fn ends_in_server_tool(message: &Value) -> bool {
    let last = message["content"].as_array().and_then(|blocks| blocks.last());
    let kind = last.and_then(|block| block["type"].as_str()).unwrap_or_default();
    kind == "server_tool_use" || (kind.ends_with("_tool_result"))
}
