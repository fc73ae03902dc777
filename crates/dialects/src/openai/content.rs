//! Content of messages and of tools' results: a string or parts, as blocks. Blank text is dropped: the API refuses it.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{self, Members, Path, Text};
use serde_json::value::RawValue;

use super::origin::{Member, Origin};
use super::output::{Block, Placed};

/// Whose content it is; that says which parts may stand in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Speaker {
    /// Whether there may be more than text.
    pub(crate) const fn shows_media(self) -> bool {
        matches!(self, Self::User | Self::Tool)
    }
}

/// Reads the content at `at`, each part by `part`.
pub(crate) fn read<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    mut part: impl FnMut(Members<'a>, &Path<'_>) -> Result<Option<Block<'a>>, ApiError>,
) -> Result<Vec<Placed<'a>>, ApiError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => {
            let Text(text) = json::read(raw.get(), at)?;
            let origin = Origin::at(at, Member::Content);
            Ok(filled(text).map(|block| block.placed(origin)).into_iter().collect())
        }
        Some(b'[') => {
            let parts: Vec<Members<'a>> = json::read(raw.get(), at)?;
            let mut blocks = Vec::with_capacity(parts.len());
            for (index, members) in parts.into_iter().enumerate() {
                let block = part(members, &at.index(index))?;
                blocks.extend(block.map(|block| block.placed(Origin::at(at, Member::Part(index)))));
            }
            Ok(blocks)
        }
        _ => Err(at.invalid("must be a string or an array of content parts")),
    }
}

/// A text, unless it is blank.
pub(crate) fn filled(text: Cow<'_, str>) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::text(text))
}

/// Reads a `cache_control` member: an object in the API's own words.
pub(crate) fn cache_control<'a>(
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
pub(crate) fn mark<'a>(block: Option<&mut Block<'a>>, cache_control: Option<&'a RawValue>) {
    if let Some(slot) = block.and_then(Block::cache_control) {
        *slot = slot.or(cache_control);
    }
}
