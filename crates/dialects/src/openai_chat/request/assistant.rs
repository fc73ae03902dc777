//! An assistant message that comes back: thinking first, then text, then tool calls.

use std::borrow::Cow;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::content::{self, Speaker};
use super::output::{Block, Placed};
use super::places::{Member, Origin};
use super::{reasoning, unsupported};

/// One tool call as the caller named it.
pub(super) struct ToolCall<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) input: Box<RawValue>,
}

/// Reads the message at `at`: its blocks, and the calls that follow them.
pub(super) fn read<'a>(
    message: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<(Vec<Placed<'a>>, Vec<ToolCall<'a>>), ApiError> {
    for key in ["audio", "function_call"] {
        if message.take(key).is_some() {
            return Err(unsupported(&at.key(key), "not supported"));
        }
    }
    // What an SDK's own message object brings along when it is sent back as it came.
    message.0.retain(|(name, value)| !(name == "annotations" && value.get() == "[]"));
    let mut blocks = reasoning::read(message, at, ignored)?;
    if let Some(raw) = message.take("content") {
        blocks.extend(content::read(raw, &at.key("content"), Speaker::Assistant, ignored)?);
    }
    if let Some(Text(refusal)) = message.optional("refusal", at)? {
        let said = Block::text(refusal.clone()).from(Origin::at(at, Member::Refusal));
        blocks.extend((!refusal.trim().is_empty()).then_some(said));
    }
    Ok((blocks, tool_calls(message, at, ignored)?))
}

fn tool_calls<'a>(
    message: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Vec<ToolCall<'a>>, ApiError> {
    let calls: Vec<Members<'a>> = message.optional("tool_calls", at)?.unwrap_or_default();
    let at = at.key("tool_calls");
    let read = |(index, call)| tool_call(call, &at.index(index), ignored);
    calls.into_iter().enumerate().map(read).collect()
}

fn tool_call<'a>(
    mut call: Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<ToolCall<'a>, ApiError> {
    let kind: Option<Text<'a>> = call.optional("type", at)?;
    match kind.as_ref().map_or("function", |kind| &*kind.0) {
        "function" => {}
        "custom" => return Err(unsupported(&at.key("type"), "only function tools are supported")),
        _ => return Err(at.key("type").invalid("must be function")),
    }
    let Text(id) = call.required("id", at)?;
    let mut function: Members<'a> = call.required("function", at)?;
    let function_at = at.key("function");
    let Text(name) = function.required("name", &function_at)?;
    if name.is_empty() || name.chars().count() > 200 {
        return Err(function_at.key("name").invalid("must be 1 to 200 characters"));
    }
    let Text(arguments) = function.required("arguments", &function_at)?;
    let input = input(&arguments, &function_at.key("arguments"))?;
    // `index` is left over where a client sends back what it gathered from a stream.
    call.take("index");
    ignored.rest_below(call, "messages.tool_calls");
    ignored.rest_below(function, "messages.tool_calls.function");
    Ok(ToolCall { id, name, input })
}

/// Arguments are JSON in a string; the API wants the object itself. No arguments are an empty object.
fn input(arguments: &str, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    let shape =
        json::text(arguments.as_bytes()).and_then(|text| json::read::<Members<'_>>(text, &json::Path::Root));
    let raw = shape.ok().and_then(|_| RawValue::from_string(arguments.to_owned()).ok());
    raw.ok_or_else(|| at.invalid("must be a JSON object"))
}
