//! A whole answer, as the API gives it without streaming.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Text;
use crate::{Block, EventError, StopReason, Usage, event};

/// An answer, read.
#[derive(Debug)]
pub struct Message<'a> {
    /// The message's id.
    pub id: Cow<'a, str>,
    /// The model that answered.
    pub model: Cow<'a, str>,
    /// What it said.
    pub content: Vec<Block<'a>>,
    /// Why it stopped.
    pub stop_reason: Option<StopReason>,
    /// The stop sequence that came up.
    pub stop_sequence: Option<Cow<'a, str>>,
    /// The explanation of a refusal.
    pub refusal: Option<Cow<'a, str>>,
    /// What it used.
    pub usage: Usage,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    content: Vec<&'a RawValue>,
    stop_reason: Option<Text<'a>>,
    stop_sequence: Option<Text<'a>>,
    stop_details: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads an answer's body.
    pub fn parse(json: &'a [u8]) -> Result<Self, EventError> {
        let wire: Wire<'a> = serde_json::from_slice(json)?;
        let content: Result<Vec<_>, _> = wire.content.into_iter().map(Block::read).collect();
        Ok(Self {
            id: wire.id,
            model: wire.model,
            content: content?,
            stop_reason: wire.stop_reason.map(|text| StopReason::parse(text.0)),
            stop_sequence: wire.stop_sequence.map(|text| text.0),
            refusal: event::explanation(wire.stop_details),
            usage: Usage::read(wire.usage),
        })
    }
}
