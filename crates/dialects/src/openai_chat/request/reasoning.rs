//! Thinking that comes back: `reasoning_details` carry the signatures that the API wants to see again.

use std::borrow::Cow;

use messages::json::{Members, Path, Text};
use messages::{ApiError, Ignored};

use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Placed};

/// One thinking block, put together from the pieces a stream may have cut it into.
#[derive(Default)]
struct Piece<'a> {
    /// Where its first piece stands in the list.
    place: usize,
    index: Option<u64>,
    text: Cow<'a, str>,
    signature: Option<Cow<'a, str>>,
    data: Option<Cow<'a, str>>,
}

/// Thinking as an assistant message brings it along.
pub(super) struct Thinking<'a> {
    pub(super) blocks: Vec<Placed<'a>>,
    /// Only its text came back.
    pub(super) unsigned: bool,
}

/// The thinking blocks of the assistant message at `at`. Thinking without a signature can't be given back: in
/// `reasoning_details` it is named as ignored.
pub(super) fn read<'a>(
    message: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Thinking<'a>, ApiError> {
    let details: Option<Vec<Members<'a>>> = message.optional("reasoning_details", at)?;
    let plain: Option<Text<'a>> = message.optional("reasoning_content", at)?;
    let Some(details) = details else {
        let unsigned = plain.is_some_and(|text| !text.0.is_empty());
        return Ok(Thinking { blocks: Vec::new(), unsigned });
    };
    let at = at.key("reasoning_details");
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for (index, detail) in details.into_iter().enumerate() {
        let piece = Piece::read(detail, &at.index(index))?;
        match pieces.last_mut().filter(|last| last.index.is_some() && last.index == piece.index) {
            Some(last) => last.join(piece),
            None => pieces.push(Piece { place: index, ..piece }),
        }
    }
    let mut blocks = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let origin = Origin::at(&at, Member::Reasoning(piece.place));
        match piece.block() {
            Some(block) => blocks.push(block.placed(origin)),
            None => ignored.note("messages.reasoning_details"),
        }
    }
    Ok(Thinking { blocks, unsigned: false })
}

impl<'a> Piece<'a> {
    fn read(mut detail: Members<'a>, at: &Path<'_>) -> Result<Self, ApiError> {
        let mut text = |key: &str| detail.optional::<Text<'a>>(key, at).map(|text| text.map(|text| text.0));
        Ok(Self {
            place: 0,
            text: text("text")?.unwrap_or_default(),
            signature: text("signature")?,
            data: text("data")?,
            index: detail.optional("index", at)?,
        })
    }

    fn join(&mut self, more: Self) {
        if !more.text.is_empty() {
            self.text.to_mut().push_str(&more.text);
        }
        self.signature = more.signature.or(self.signature.take());
        self.data = more.data.or(self.data.take());
    }

    fn block(self) -> Option<Block<'a>> {
        let filled = |text: &Cow<'a, str>| !text.is_empty();
        if let Some(data) = self.data.filter(filled) {
            return Some(Block::RedactedThinking { data });
        }
        let signature = self.signature.filter(filled)?;
        Some(Block::Thinking { thinking: self.text, signature })
    }
}
