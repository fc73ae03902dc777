//! Content of messages and tool outputs: a string or parts, as blocks. Blank text is dropped: the API refuses it.

use std::borrow::Cow;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use crate::openai::output::{Block, Placed, Source};
use crate::openai::{media, unsupported};

/// Whose content it is; that says which parts may stand in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

/// Reads the content at `at`.
pub(super) fn read<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    speaker: Speaker,
    ignored: &mut Ignored,
) -> Result<Vec<Placed<'a>>, ApiError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => {
            let Text(text) = json::read(raw.get(), at)?;
            Ok(filled(text).map(Placed::from).into_iter().collect())
        }
        Some(b'[') => {
            let parts: Vec<Members<'a>> = json::read(raw.get(), at)?;
            let mut blocks = Vec::with_capacity(parts.len());
            for (index, part) in parts.into_iter().enumerate() {
                let block = read_part(part, &at.index(index), speaker, ignored)?;
                blocks.extend(block.map(Placed::from));
            }
            Ok(blocks)
        }
        _ => Err(at.invalid("must be a string or an array of content parts")),
    }
}

fn filled(text: Cow<'_, str>) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::text(text))
}

fn read_part<'a>(
    mut part: Members<'a>,
    at: &Path<'_>,
    speaker: Speaker,
    ignored: &mut Ignored,
) -> Result<Option<Block<'a>>, ApiError> {
    let Text(kind) = part.required("type", at)?;
    let takes_media = matches!(speaker, Speaker::User | Speaker::Tool);
    let mut block = match &*kind {
        "input_text" | "output_text" | "text" => filled(part.required::<Text<'a>>("text", at)?.0),
        "refusal" if speaker == Speaker::Assistant => filled(part.required::<Text<'a>>("refusal", at)?.0),
        "input_image" if takes_media => Some(image(&mut part, at, ignored)?),
        "input_file" if takes_media => Some(file(&mut part, at)?),
        "input_audio" => return Err(unsupported(&at.key("type"), "Claude takes no audio")),
        "input_image" | "input_file" | "refusal" => {
            return Err(at.key("type").invalid("this kind of part can't stand here"));
        }
        _ => {
            return Err(at.key("type").invalid("must be input_text, input_image, input_file or output_text"));
        }
    };
    let own = cache_control(&mut part, at)?;
    mark(block.as_mut(), own);
    if kind == "output_text" {
        // What comes back of an answer; the text is all that the API takes.
        for key in ["annotations", "logprobs"] {
            part.take(key);
        }
    }
    ignored.rest_below(part, "input.content");
    Ok(block)
}

/// Reads a `cache_control` member: an object in the API's own words.
pub(super) fn cache_control<'a>(
    members: &mut Members<'a>,
    at: &Path<'_>,
) -> Result<Option<&'a RawValue>, ApiError> {
    let raw = members.take("cache_control");
    if let Some(raw) = raw {
        json::read::<Members<'_>>(raw.get(), &at.key("cache_control"))?;
    }
    Ok(raw)
}

/// Puts a `cache_control` on a block, unless the block has its own.
pub(super) fn mark<'a>(block: Option<&mut Block<'a>>, cache_control: Option<&'a RawValue>) {
    if let Some(slot) = block.and_then(Block::cache_control) {
        *slot = slot.or(cache_control);
    }
}

fn image<'a>(part: &mut Members<'a>, at: &Path<'_>, ignored: &mut Ignored) -> Result<Block<'a>, ApiError> {
    let url: Option<Text<'a>> = part.optional("image_url", at)?;
    let file_id: Option<Text<'a>> = part.optional("file_id", at)?;
    let detail: Option<Text<'a>> = part.optional("detail", at)?;
    if detail.is_some_and(|detail| detail.0 != "auto") {
        ignored.note("input.content.detail");
    }
    let source = match (url, file_id) {
        (Some(Text(url)), None) => media::image(url, &at.key("image_url"))?,
        (None, Some(Text(file_id))) if !file_id.is_empty() => Source::File { file_id },
        _ => return Err(at.invalid("either image_url or file_id is required")),
    };
    Ok(Block::Image { source, cache_control: None })
}

fn file<'a>(part: &mut Members<'a>, at: &Path<'_>) -> Result<Block<'a>, ApiError> {
    let title = part.optional::<Text<'a>>("filename", at)?.map(|name| name.0);
    let data: Option<Text<'a>> = part.optional("file_data", at)?;
    let file_id: Option<Text<'a>> = part.optional("file_id", at)?;
    let url: Option<Text<'a>> = part.optional("file_url", at)?;
    // It says how finely pages are rendered; the API decides that itself.
    part.0.retain(|(name, value)| !(name == "detail" && value.get() == r#""auto""#));
    let source = match (data, file_id, url) {
        (Some(Text(data)), None, None) => media::file(data, &at.key("file_data"))?,
        (None, Some(Text(file_id)), None) if !file_id.is_empty() => Source::File { file_id },
        (None, None, Some(Text(url))) => media::link(url, &at.key("file_url"))?,
        _ => return Err(at.invalid("one of file_data, file_id and file_url is required")),
    };
    Ok(Block::Document { source, title, cache_control: None })
}
