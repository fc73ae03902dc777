//! The members of a request beside the conversation.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Request;
use crate::ApiError;
use crate::json::{self, Members, Path, Text};

/// Takes all settings out of `members`; conversation and others are left empty.
pub(super) fn read<'a>(members: &mut Members<'a>) -> Result<Request<'a>, ApiError> {
    let model: Text<'a> = members.required("model", &Path::Root)?;
    if model.0.trim().is_empty() {
        return Err(ApiError::invalid("model", "must not be empty"));
    }
    let max_tokens: u64 = members.required("max_tokens", &Path::Root)?;
    if max_tokens == 0 {
        return Err(ApiError::invalid("max_tokens", "must be at least 1"));
    }
    let stream = members.optional("stream", &Path::Root)?.unwrap_or(false);
    Ok(Request {
        model: model.0,
        max_tokens,
        stream,
        system: None,
        messages: Vec::new(),
        tools: tools(members)?,
        tool_choice: tool_choice(members)?,
        thinking: thinking(members, max_tokens)?,
        output_config: object(members, "output_config")?,
        temperature: share(members, "temperature")?,
        top_p: share(members, "top_p")?,
        top_k: optional(members, "top_k")?.map(|(raw, _): (_, u64)| raw),
        stop_sequences: stop_sequences(members)?,
        metadata: object(members, "metadata")?,
        others: Vec::new(),
    })
}

type Raw<'a> = &'a RawValue;

/// The member as it came, and what was read from it to check it.
fn optional<'a, T: Deserialize<'a>>(
    members: &mut Members<'a>,
    key: &str,
) -> Result<Option<(Raw<'a>, T)>, ApiError> {
    let Some(raw) = members.take(key) else { return Ok(None) };
    Ok(Some((raw, json::read(raw.get(), &Path::Root.key(key))?)))
}

fn object<'a>(members: &mut Members<'a>, key: &str) -> Result<Option<Raw<'a>>, ApiError> {
    Ok(optional(members, key)?.map(|(raw, _): (_, Members<'a>)| raw))
}

fn share<'a>(members: &mut Members<'a>, key: &str) -> Result<Option<Raw<'a>>, ApiError> {
    match optional(members, key)? {
        Some((_, value)) if !(0.0..=1.0).contains(&value) => {
            Err(ApiError::invalid(key, "must be between 0 and 1"))
        }
        found => Ok(found.map(|(raw, _): (_, f64)| raw)),
    }
}

fn stop_sequences<'a>(members: &mut Members<'a>) -> Result<Option<Raw<'a>>, ApiError> {
    let Some((raw, list)) = optional::<Vec<Text<'a>>>(members, "stop_sequences")? else { return Ok(None) };
    match list.iter().position(|text| text.0.trim().is_empty()) {
        Some(at) => {
            let path = Path::Root.key("stop_sequences");
            Err(path.index(at).invalid("each stop sequence must contain non-whitespace"))
        }
        None => Ok(Some(raw)),
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    name: Option<Text<'a>>,
    input_schema: Option<Raw<'a>>,
}

fn tools<'a>(members: &mut Members<'a>) -> Result<Option<Raw<'a>>, ApiError> {
    let Some((raw, tools)) = optional::<Vec<Tool<'a>>>(members, "tools")? else { return Ok(None) };
    let at = Path::Root.key("tools");
    for (index, tool) in tools.iter().enumerate() {
        // A type other than `custom` is a tool of the API's own: its shape is the API's business.
        if tool.kind.as_ref().is_none_or(|kind| kind.0 == "custom") {
            custom_tool(tool, &at.index(index))?;
        }
    }
    Ok(Some(raw))
}

fn custom_tool(tool: &Tool<'_>, at: &Path<'_>) -> Result<(), ApiError> {
    let name = tool.name.as_ref().ok_or_else(|| at.key("name").invalid("field required"))?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.0.is_empty() || name.0.len() > 128 || !name.0.bytes().all(legal) {
        return Err(at.key("name").invalid("must be 1 to 128 characters of a-z, A-Z, 0-9, _ and -"));
    }
    let at = at.key("input_schema");
    let schema = tool.input_schema.ok_or_else(|| at.invalid("field required"))?;
    json::read::<Members<'_>>(schema.get(), &at).map(drop)
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Choice<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    name: Option<Text<'a>>,
}

fn tool_choice<'a>(members: &mut Members<'a>) -> Result<Option<Raw<'a>>, ApiError> {
    let Some((raw, choice)) = optional::<Choice<'a>>(members, "tool_choice")? else { return Ok(None) };
    if choice.kind.0 == "tool" && choice.name.is_none() {
        return Err(ApiError::invalid("tool_choice.name", "field required"));
    }
    Ok(Some(raw))
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Thinking<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    budget_tokens: Option<u64>,
}

fn thinking<'a>(members: &mut Members<'a>, max_tokens: u64) -> Result<Option<Raw<'a>>, ApiError> {
    let Some((raw, thinking)) = optional::<Thinking<'a>>(members, "thinking")? else { return Ok(None) };
    let at = Path::Root.key("thinking");
    let at = at.key("budget_tokens");
    match thinking.budget_tokens {
        _ if thinking.kind.0 != "enabled" => Ok(Some(raw)),
        None => Err(at.invalid("field required")),
        Some(budget) if budget < 1024 => Err(at.invalid("must be at least 1024")),
        Some(budget) if budget >= max_tokens => Err(at.invalid("must be less than max_tokens")),
        Some(_) => Ok(Some(raw)),
    }
}
