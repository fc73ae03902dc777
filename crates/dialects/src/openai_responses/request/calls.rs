//! Calls of tools that come back, each as the tool use that it was.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{self, Members, Path, Text};
use serde_json::value::RawValue;

use super::made;
use super::tools::{LOCAL_SHELL, joined};
use crate::openai_responses::stored;

/// One call as the caller names it.
pub(super) struct ToolCall<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) input: Box<RawValue>,
    /// The member of the item that the input is made of.
    pub(super) member: &'static str,
}

/// Reads the call at `at`; `None` if items of this kind are no calls.
pub(super) fn read<'a>(
    kind: &str,
    item: &mut Members<'a>,
    at: &Path<'_>,
) -> Result<Option<ToolCall<'a>>, ApiError> {
    Ok(Some(match kind {
        "function_call" => {
            let Text(id) = item.required("call_id", at)?;
            let name = name(item, at)?;
            let Text(arguments) = item.required("arguments", at)?;
            ToolCall { id, name, input: input(&arguments, &at.key("arguments"))?, member: "arguments" }
        }
        "custom_tool_call" => {
            let Text(id) = item.required("call_id", at)?;
            let name = name(item, at)?;
            let Text(text) = item.required("input", at)?;
            ToolCall {
                id,
                name,
                input: made(format!(r#"{{"input":{}}}"#, stored::raw(&*text))),
                member: "input",
            }
        }
        "local_shell_call" => {
            let id: Option<Text<'a>> = item.optional("call_id", at)?;
            let id = id.map_or_else(|| item.required::<Text<'a>>("id", at), Ok)?;
            let action = item.required("action", at)?;
            ToolCall {
                id: id.0,
                name: Cow::Borrowed(LOCAL_SHELL),
                input: shell_input(action, &at.key("action"))?,
                member: "action",
            }
        }
        _ => return Ok(None),
    }))
}

fn name<'a>(item: &mut Members<'a>, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let Text(name) = item.required::<Text<'a>>("name", at)?;
    let namespace: Option<Text<'a>> = item.optional("namespace", at)?;
    let name = joined(namespace.as_ref().map(|text| &*text.0), name);
    if name.is_empty() || name.chars().count() > 200 {
        return Err(at.key("name").invalid("must be 1 to 200 characters"));
    }
    Ok(name)
}

/// Arguments are JSON in a string; the API wants the object itself. No arguments are an empty object.
fn input(arguments: &str, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    let shape =
        json::text(arguments.as_bytes()).and_then(|text| json::read::<Members<'_>>(text, &Path::Root));
    let raw = shape.ok().and_then(|_| RawValue::from_string(arguments.to_owned()).ok());
    raw.ok_or_else(|| at.invalid("must be a JSON object"))
}

/// What the model had said: the action without what its item adds.
fn shell_input(mut action: Members<'_>, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    let command: Vec<Text<'_>> = action.required("command", at)?;
    let command: Vec<_> = command.iter().map(|word| &*word.0).collect();
    let mut members = vec![format!(r#""command":{}"#, stored::raw(&command))];
    for key in ["env", "timeout_ms", "working_directory"] {
        let kept = action.take(key).filter(|value| value.get() != "{}");
        members.extend(kept.map(|value| format!(r#""{key}":{value}"#)));
    }
    Ok(made(format!("{{{}}}", members.join(","))))
}
