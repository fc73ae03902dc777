//! An assistant message that comes back: thinking first, then text, then tool calls.

use std::borrow::Cow;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::content::{self, Speaker};
use super::custom;
use super::reasoning::{self, Thinking};
use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Placed};
use crate::openai::unsupported;

/// The id of a `function_call`, which has none of its own.
pub(super) const FUNCTION_CALL: &str = "function_call";

/// One tool call as the caller named it.
pub(super) struct ToolCall<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) input: Box<RawValue>,
    /// What of the message it is.
    pub(super) member: Member,
}

/// An assistant message: its thinking, the other blocks, and the calls that follow them.
pub(super) struct Said<'a> {
    pub(super) thinking: Thinking<'a>,
    pub(super) blocks: Vec<Placed<'a>>,
    pub(super) calls: Vec<ToolCall<'a>>,
}

/// Reads the message at `at`.
pub(super) fn read<'a>(
    message: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Said<'a>, ApiError> {
    if message.take("audio").is_some() {
        return Err(unsupported(&at.key("audio"), "not supported"));
    }
    // What an SDK's own message object brings along when it is sent back as it came; citations are for the reader.
    message.take("annotations");
    let thinking = reasoning::read(message, at, ignored)?;
    let mut blocks = Vec::new();
    if let Some(raw) = message.take("content") {
        blocks.extend(content::read(raw, &at.key("content"), Speaker::Assistant, ignored)?);
    }
    if let Some(Text(refusal)) = message.optional("refusal", at)? {
        let said = Block::text(refusal.clone()).placed(Origin::at(at, Member::Refusal));
        blocks.extend((!refusal.trim().is_empty()).then_some(said));
    }
    let mut calls = tool_calls(message, at, ignored)?;
    if let Some(call) = message.optional::<Members<'a>>(FUNCTION_CALL, at)? {
        let at = at.key(FUNCTION_CALL);
        if !calls.is_empty() {
            return Err(at.invalid("can't stand beside tool_calls"));
        }
        let (name, input) = function(call, &at, "messages.function_call", ignored)?;
        let id = Cow::Borrowed(FUNCTION_CALL);
        calls.push(ToolCall { id, name, input, member: Member::FunctionCall });
    }
    Ok(Said { thinking, blocks, calls })
}

fn tool_calls<'a>(
    message: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Vec<ToolCall<'a>>, ApiError> {
    let calls: Vec<Members<'a>> = message.optional("tool_calls", at)?.unwrap_or_default();
    let at = at.key("tool_calls");
    let read = |(index, call)| tool_call(call, index, &at.index(index), ignored);
    calls.into_iter().enumerate().map(read).collect()
}

fn tool_call<'a>(
    mut call: Members<'a>,
    index: usize,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<ToolCall<'a>, ApiError> {
    let kind: Option<Text<'a>> = call.optional("type", at)?;
    let Text(id) = call.required("id", at)?;
    let (member, (name, input)) = match kind.as_ref().map_or("function", |kind| &*kind.0) {
        "function" => {
            let given = call.required("function", at)?;
            let called = function(given, &at.key("function"), "messages.tool_calls.function", ignored)?;
            (Member::Call(index), called)
        }
        "custom" => {
            let mut given: Members<'a> = call.required("custom", at)?;
            let at = at.key("custom");
            let name = called_name(&mut given, &at)?;
            let Text(text) = given.required("input", &at)?;
            ignored.rest_below(given, "messages.tool_calls.custom");
            (Member::CustomCall(index), (name, custom::input(&text, &at.key("input"))?))
        }
        _ => return Err(at.key("type").invalid("must be function or custom")),
    };
    // `index` is left over where a client sends back what it gathered from a stream.
    call.take("index");
    ignored.rest_below(call, "messages.tool_calls");
    Ok(ToolCall { id, name, input, member })
}

/// A function that was called and the arguments it was called with.
fn function<'a>(
    mut function: Members<'a>,
    at: &Path<'_>,
    place: &str,
    ignored: &mut Ignored,
) -> Result<(Cow<'a, str>, Box<RawValue>), ApiError> {
    let name = called_name(&mut function, at)?;
    let Text(arguments) = function.required("arguments", at)?;
    let input = input(&arguments, &at.key("arguments"))?;
    ignored.rest_below(function, place);
    Ok((name, input))
}

fn called_name<'a>(called: &mut Members<'a>, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let Text(name) = called.required("name", at)?;
    if name.is_empty() || name.chars().count() > 200 {
        return Err(at.key("name").invalid("must be 1 to 200 characters"));
    }
    Ok(name)
}

/// Arguments are JSON in a string; the API wants the object itself. No arguments are an empty object.
fn input(arguments: &str, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    let shape =
        json::text(arguments.as_bytes()).and_then(|text| json::read::<Members<'_>>(text, &json::Path::Root));
    let raw = shape.ok().and_then(|_| RawValue::from_string(arguments.to_owned()).ok());
    raw.ok_or_else(|| at.invalid("must be a JSON object"))
}
