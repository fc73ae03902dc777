//! The content blocks of a request: known kinds get their required members checked, unknown ones pass.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::BlockView;
use crate::ApiError;
use crate::block::Kind;
use crate::json::{self, Members, Path, Text};

const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct TextBlock<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Sourced<'a> {
    #[serde(borrow)]
    source: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Source<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    media_type: Option<Text<'a>>,
    data: Option<Text<'a>>,
    url: Option<Text<'a>>,
    file_id: Option<Text<'a>>,
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ToolUse<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    input: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ToolResult<'a> {
    #[serde(borrow)]
    tool_use_id: Text<'a>,
    content: Option<&'a RawValue>,
    #[serde(rename = "is_error")]
    _is_error: Option<bool>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Thinking<'a> {
    #[serde(borrow, rename = "thinking")]
    _thinking: Text<'a>,
    #[serde(borrow)]
    signature: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct RedactedThinking<'a> {
    #[serde(borrow)]
    data: Text<'a>,
}

/// Reads the block at `at` in a message of this role (`tool_result` stands for the content of one).
pub(super) fn read<'a>(raw: &'a RawValue, at: &Path<'_>, role: &str) -> Result<BlockView<'a>, ApiError> {
    let Kind { kind } = json::read(raw.get(), at)?;
    if !stands_in(&kind, role) {
        return Err(at.key("type").invalid(format!("no such block in a {role} message")));
    }
    let tool_use_id = match &*kind {
        "text" => text(raw, at).map(|()| None),
        "image" => source(raw, at, image).map(|()| None),
        "document" => source(raw, at, document).map(|()| None),
        "tool_use" => tool_use(raw, at).map(Some),
        "tool_result" => tool_result(raw, at).map(Some),
        "thinking" => thinking(raw, at).map(|()| None),
        "redacted_thinking" => {
            let block: RedactedThinking<'_> = json::read(raw.get(), at)?;
            filled(&block.data, &at.key("data")).map(|()| None)
        }
        _ => Ok(None),
    };
    Ok(BlockView { kind, raw, tool_use_id: tool_use_id? })
}

fn stands_in(kind: &str, role: &str) -> bool {
    match kind {
        "text" => true,
        "tool_use" | "thinking" | "redacted_thinking" => role == "assistant",
        "tool_result" => role == "user",
        "image" | "document" => role != "system",
        _ => true,
    }
}

fn filled(text: &Text<'_>, at: &Path<'_>) -> Result<(), ApiError> {
    if text.0.is_empty() { Err(at.invalid("must not be empty")) } else { Ok(()) }
}

fn present<T>(member: Option<T>, at: &Path<'_>) -> Result<T, ApiError> {
    member.ok_or_else(|| at.invalid("field required"))
}

fn text(raw: &RawValue, at: &Path<'_>) -> Result<(), ApiError> {
    let block: TextBlock<'_> = json::read(raw.get(), at)?;
    filled(&block.text, &at.key("text"))
}

fn thinking(raw: &RawValue, at: &Path<'_>) -> Result<(), ApiError> {
    let block: Thinking<'_> = json::read(raw.get(), at)?;
    filled(&block.signature, &at.key("signature"))
}

fn tool_use<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let block: ToolUse<'a> = json::read(raw.get(), at)?;
    filled(&block.id, &at.key("id"))?;
    filled(&block.name, &at.key("name"))?;
    json::read::<Members<'_>>(block.input.get(), &at.key("input"))?;
    Ok(block.id.0)
}

fn tool_result<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let block: ToolResult<'a> = json::read(raw.get(), at)?;
    filled(&block.tool_use_id, &at.key("tool_use_id"))?;
    let at = at.key("content");
    match block.content.map(|content| (content, content.get().as_bytes().first())) {
        None => {}
        Some((content, Some(b'"'))) => drop(json::read::<Text<'_>>(content.get(), &at)?),
        Some((content, Some(b'['))) => {
            let parts: Vec<&RawValue> = json::read(content.get(), &at)?;
            for (index, part) in parts.into_iter().enumerate() {
                read(part, &at.index(index), "tool_result")?;
            }
        }
        Some(_) => return Err(at.invalid("must be a string or an array of content blocks")),
    }
    Ok(block.tool_use_id.0)
}

type SourceCheck = fn(&Source<'_>, &Path<'_>) -> Result<(), ApiError>;

/// `url` and `file` sources are the same for all; the others are checked by `own`.
fn source(raw: &RawValue, at: &Path<'_>, own: SourceCheck) -> Result<(), ApiError> {
    let Sourced { source } = json::read(raw.get(), at)?;
    let at = at.key("source");
    let source: Source<'_> = json::read(source.get(), &at)?;
    match &*source.kind.0 {
        "url" => filled(&present(source.url, &at.key("url"))?, &at.key("url")),
        "file" => filled(&present(source.file_id, &at.key("file_id"))?, &at.key("file_id")),
        _ => own(&source, &at),
    }
}

fn image(source: &Source<'_>, at: &Path<'_>) -> Result<(), ApiError> {
    if source.kind.0 != "base64" {
        return Err(at.key("type").invalid("must be base64, url or file"));
    }
    let media_type = present(source.media_type.as_ref(), &at.key("media_type"))?;
    if !IMAGE_TYPES.contains(&&*media_type.0) {
        return Err(at.key("media_type").invalid(format!("must be one of {}", IMAGE_TYPES.join(", "))));
    }
    filled(present(source.data.as_ref(), &at.key("data"))?, &at.key("data"))
}

fn document(source: &Source<'_>, at: &Path<'_>) -> Result<(), ApiError> {
    let expected = match &*source.kind.0 {
        "base64" => "application/pdf",
        "text" => "text/plain",
        "content" => return present(source.content, &at.key("content")).map(drop),
        _ => return Err(at.key("type").invalid("must be base64, text, content, url or file")),
    };
    let media_type = present(source.media_type.as_ref(), &at.key("media_type"))?;
    if media_type.0 != expected {
        return Err(at.key("media_type").invalid(format!("must be {expected}")));
    }
    filled(present(source.data.as_ref(), &at.key("data"))?, &at.key("data"))
}
