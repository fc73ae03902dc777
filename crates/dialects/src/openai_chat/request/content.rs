//! The parts of message content, as blocks.

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
        "text" => filled(part.required::<Text<'a>>("text", at)?.0),
        "refusal" if speaker == Speaker::Assistant => filled(part.required::<Text<'a>>("refusal", at)?.0),
        "image_url" if takes_media => Some(image(&mut part, at, ignored)?),
        "file" if takes_media => Some(file(&mut part, at, ignored)?),
        "input_audio" => return Err(unsupported(&at.key("input_audio"), "Claude takes no audio")),
        "image_url" | "file" | "refusal" => {
            return Err(at.key("type").invalid("this kind of part can't stand in a message of this role"));
        }
        _ => return Err(at.key("type").invalid("must be text, image_url or file")),
    };
    let cache_control = cache_control(&mut part, at)?;
    mark(block.as_mut(), cache_control);
    ignored.rest_below(part, "messages.content");
    Ok(block)
}

fn image<'a>(part: &mut Members<'a>, at: &Path<'_>, ignored: &mut Ignored) -> Result<Block<'a>, ApiError> {
    let mut image: Members<'a> = part.required("image_url", at)?;
    let at = at.key("image_url");
    let Text(url) = image.required("url", &at)?;
    let detail: Option<Text<'a>> = image.optional("detail", &at)?;
    if detail.is_some_and(|detail| detail.0 != "auto") {
        ignored.note("messages.content.image_url.detail");
    }
    ignored.rest_below(image, "messages.content.image_url");
    Ok(Block::Image { source: media::image(url, &at.key("url"))?, cache_control: None })
}

fn file<'a>(part: &mut Members<'a>, at: &Path<'_>, ignored: &mut Ignored) -> Result<Block<'a>, ApiError> {
    let mut file: Members<'a> = part.required("file", at)?;
    let at = at.key("file");
    let title = file.optional::<Text<'a>>("filename", &at)?.map(|name| name.0);
    let data: Option<Text<'a>> = file.optional("file_data", &at)?;
    let file_id: Option<Text<'a>> = file.optional("file_id", &at)?;
    let source = match (data, file_id) {
        (Some(Text(data)), None) => media::file(data, &at.key("file_data"))?,
        (None, Some(Text(file_id))) if !file_id.is_empty() => Source::File { file_id },
        _ => return Err(at.invalid("either file_data or file_id is required")),
    };
    ignored.rest_below(file, "messages.content.file");
    Ok(Block::Document { source, title, cache_control: None })
}
