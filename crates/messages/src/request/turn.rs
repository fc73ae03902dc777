//! The conversation: turns, and the blocks they hold.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::block;
use crate::ApiError;
use crate::json::{self, Members, Path, Text};

/// One message of the conversation.
#[derive(Debug)]
pub struct Turn<'a> {
    /// `user`, `assistant` or `system`.
    pub role: Cow<'a, str>,
    /// A string or an array of blocks, as it came.
    pub content: &'a RawValue,
    /// The content's blocks; `None` when it is a string.
    pub blocks: Option<Vec<BlockView<'a>>>,
    /// The names of all other members that are there.
    pub others: Vec<Cow<'a, str>>,
}

/// One content block: its type read, the rest as it came.
#[derive(Debug)]
pub struct BlockView<'a> {
    /// Its `type`.
    pub kind: Cow<'a, str>,
    /// The whole block.
    pub raw: &'a RawValue,
    /// The `id` of a tool_use, the `tool_use_id` of a tool_result.
    pub tool_use_id: Option<Cow<'a, str>>,
}

/// Reads `messages`.
pub(super) fn read_all<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Vec<Turn<'a>>, ApiError> {
    let wires: Vec<&'a RawValue> = json::read(raw.get(), at)?;
    if wires.is_empty() {
        return Err(at.invalid("at least one message is required"));
    }
    let last = wires.len() - 1;
    let turns = wires.into_iter().enumerate();
    let turns: Vec<Turn<'a>> =
        turns.map(|(index, raw)| read(raw, &at.index(index), index == last)).collect::<Result<_, _>>()?;
    if turns.first().is_some_and(|turn| turn.role != "user") {
        return Err(at.index(0).key("role").invalid("the first message must be the user's"));
    }
    Ok(turns)
}

fn read<'a>(raw: &'a RawValue, at: &Path<'_>, last: bool) -> Result<Turn<'a>, ApiError> {
    let mut members: Members<'a> = json::read(raw.get(), at)?;
    if let Some(key) = members.duplicate(&["role", "content"]) {
        return Err(at.key(key).invalid("given twice"));
    }
    let Text(role) = members.required("role", at)?;
    let content = members.take("content");
    members.0.retain(|(_, value)| value.get() != "null");
    let others: Vec<_> = members.0.into_iter().map(|(name, _)| name).collect();
    if !matches!(&*role, "user" | "assistant" | "system") {
        return Err(at.key("role").invalid("must be user, assistant or system"));
    }
    let path = at.key("content");
    // The last answer may still be to come; a system message may change the output's configuration and say nothing.
    let may_be_empty = match &*role {
        "assistant" => last,
        "system" => others.iter().any(|name| name == "output_config"),
        _ => false,
    };
    let content = match content {
        None if role == "system" && may_be_empty => json::read("[]", &path)?,
        None => return Err(path.invalid("field required")),
        Some(content) => content,
    };
    let blocks = match content.get().as_bytes().first() {
        Some(b'"') => {
            let text: Text<'_> = json::read(content.get(), &path)?;
            if text.0.is_empty() && !may_be_empty {
                return Err(path.invalid("must not be empty"));
            }
            None
        }
        Some(b'[') => Some(blocks(content, &path, &role)?),
        _ => return Err(path.invalid("must be a string or an array of content blocks")),
    };
    if blocks.as_ref().is_some_and(Vec::is_empty) && !may_be_empty {
        return Err(path.invalid("must not be empty"));
    }
    Ok(Turn { role, content, blocks, others })
}

fn blocks<'a>(raw: &'a RawValue, at: &Path<'_>, role: &str) -> Result<Vec<BlockView<'a>>, ApiError> {
    let raws: Vec<&'a RawValue> = json::read(raw.get(), at)?;
    raws.into_iter().enumerate().map(|(index, raw)| block::read(raw, &at.index(index), role)).collect()
}

/// Checks the top-level system prompt.
pub(super) fn system(raw: &RawValue, at: &Path<'_>) -> Result<(), ApiError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => json::read::<Text<'_>>(raw.get(), at).map(drop),
        Some(b'[') => blocks(raw, at, "system").map(drop),
        _ => Err(at.invalid("must be a string or an array of text blocks")),
    }
}
