//! The content blocks of an answer and the deltas that grow them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Text;

/// One content block of an answer.
#[derive(Debug)]
pub enum Block<'a> {
    /// Prose.
    Text {
        /// The text.
        text: Cow<'a, str>,
        /// Its citations, where it has some.
        citations: Option<&'a RawValue>,
    },
    /// Reasoning shown to the caller.
    Thinking {
        /// The (possibly summarised, possibly empty) reasoning.
        thinking: Cow<'a, str>,
        /// What proves it to the API when it is sent back.
        signature: Cow<'a, str>,
    },
    /// Reasoning that is not shown.
    RedactedThinking {
        /// Opaque.
        data: Cow<'a, str>,
    },
    /// A call of one of the caller's tools.
    ToolUse {
        /// The id that the result must name.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
        /// Its arguments: a JSON object as it came.
        input: &'a RawValue,
    },
    /// Any other block.
    Other {
        /// Its `type`.
        kind: Cow<'a, str>,
        /// The whole block as it came.
        raw: &'a RawValue,
    },
}

/// What a `content_block_delta` adds.
#[derive(Debug)]
pub enum Delta<'a> {
    /// More text.
    Text(Cow<'a, str>),
    /// More of the JSON text of a tool's input.
    InputJson(Cow<'a, str>),
    /// More thinking.
    Thinking(Cow<'a, str>),
    /// The signature of the thinking.
    Signature(Cow<'a, str>),
    /// One more citation.
    Citation(&'a RawValue),
    /// A kind that came after this was written.
    Other,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct TextWire<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    citations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ThinkingWire<'a> {
    #[serde(borrow, default)]
    thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    signature: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RedactedWire<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ToolUseWire<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    input: &'a RawValue,
}

impl<'a> Block<'a> {
    /// Reads one block: its `type` first, then what that type has.
    pub fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let json = raw.get();
        let Kind { kind } = serde_json::from_str(json)?;
        Ok(match &*kind {
            "text" => {
                let TextWire { text, citations } = serde_json::from_str(json)?;
                Self::Text { text, citations }
            }
            "thinking" => {
                let ThinkingWire { thinking, signature } = serde_json::from_str(json)?;
                Self::Thinking { thinking, signature: signature.unwrap_or_default().0 }
            }
            "redacted_thinking" => {
                let RedactedWire { data } = serde_json::from_str(json)?;
                Self::RedactedThinking { data }
            }
            "tool_use" => {
                let ToolUseWire { id, name, input } = serde_json::from_str(json)?;
                Self::ToolUse { id, name, input }
            }
            _ => Self::Other { kind, raw },
        })
    }
}

#[derive(Deserialize)]
struct InputJsonWire<'a> {
    #[serde(borrow)]
    partial_json: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SignatureWire<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

#[derive(Deserialize)]
struct CitationWire<'a> {
    #[serde(borrow)]
    citation: &'a RawValue,
}

impl<'a> Delta<'a> {
    /// Reads the `delta` of a `content_block_delta`.
    pub fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let json = raw.get();
        let Kind { kind } = serde_json::from_str(json)?;
        Ok(match &*kind {
            "text_delta" => Self::Text(serde_json::from_str::<TextWire<'a>>(json)?.text),
            "input_json_delta" => {
                Self::InputJson(serde_json::from_str::<InputJsonWire<'a>>(json)?.partial_json)
            }
            "thinking_delta" => Self::Thinking(serde_json::from_str::<ThinkingWire<'a>>(json)?.thinking),
            "signature_delta" => Self::Signature(serde_json::from_str::<SignatureWire<'a>>(json)?.signature),
            "citations_delta" => Self::Citation(serde_json::from_str::<CitationWire<'a>>(json)?.citation),
            _ => Self::Other,
        })
    }
}
