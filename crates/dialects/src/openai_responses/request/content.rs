//! The parts of messages and tool outputs, as blocks.

use messages::json::{Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use crate::openai::content::{self, filled};
use crate::openai::output::{Block, Placed, Source};
use crate::openai::{media, unsupported};

pub(super) use crate::openai::content::{Speaker, cache_control, mark};

/// Reads the content at `at`.
pub(super) fn read<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    speaker: Speaker,
    ignored: &mut Ignored,
) -> Result<Vec<Placed<'a>>, ApiError> {
    content::read(raw, at, |part, at| read_part(part, at, speaker, ignored))
}

fn read_part<'a>(
    mut part: Members<'a>,
    at: &Path<'_>,
    speaker: Speaker,
    ignored: &mut Ignored,
) -> Result<Option<Block<'a>>, ApiError> {
    let Text(kind) = part.required("type", at)?;
    let takes_media = speaker.shows_media();
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
