//! The Messages request as it is written: borrowed from the caller's body wherever that is possible.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::effort::{Effort, ThinkingConfig};
use super::format::Format;
use super::places::Origin;

/// The whole request. `over` replaces members of the same name.
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u64,
    pub(super) stream: bool,
    pub(super) system: Vec<Placed<'a>>,
    pub(super) messages: Vec<Turn<'a>>,
    pub(super) tools: Option<Vec<Tool<'a>>>,
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) stop_sequences: Vec<Cow<'a, str>>,
    pub(super) thinking: Option<ThinkingConfig>,
    pub(super) output_config: Option<OutputConfig>,
    pub(super) metadata: Option<Metadata>,
    pub(super) cache_control: Option<&'a RawValue>,
    pub(super) over: Vec<(String, &'a RawValue)>,
}

#[derive(Serialize)]
pub(super) struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
}

impl OutputConfig {
    pub(super) fn new(effort: Option<Effort>, format: Option<Format>) -> Option<Self> {
        (effort.is_some() || format.is_some()).then_some(Self { effort, format })
    }
}

#[derive(Serialize)]
pub(super) struct Metadata {
    pub(super) user_id: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) content: Vec<Placed<'a>>,
}

/// A block, and where it comes from.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Placed<'a> {
    #[serde(skip)]
    pub(super) origin: Origin,
    pub(super) block: Block<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    Thinking {
        thinking: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Placed<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: Cow<'static, str>, data: Cow<'a, str> },
    Text { media_type: &'static str, data: Cow<'a, str> },
    Url { url: Cow<'a, str> },
    File { file_id: Cow<'a, str> },
}

#[derive(Debug, Serialize)]
pub(super) struct Tool<'a> {
    /// Its place among the caller's tools.
    #[serde(skip)]
    pub(super) index: usize,
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Cow<'a, str>>,
    pub(super) input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
pub(super) struct ToolChoice<'a> {
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) disable_parallel_tool_use: bool,
}

impl<'a> Block<'a> {
    pub(super) const fn is_thinking(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }

    pub(super) const fn text(text: Cow<'a, str>) -> Self {
        Self::Text { text, cache_control: None }
    }

    pub(super) const fn from(self, origin: Origin) -> Placed<'a> {
        Placed { origin, block: self }
    }

    /// The blocks in this one.
    pub(super) fn within(&self) -> &[Placed<'a>] {
        if let Self::ToolResult { content, .. } = self { content } else { &[] }
    }

    /// The member of a content part that became this block's source; empty for one without.
    pub(super) const fn chat_source(&self) -> &'static str {
        match self {
            Self::Image { .. } => ".image_url.url",
            Self::Document { source: Source::File { .. }, .. } => ".file.file_id",
            Self::Document { .. } => ".file.file_data",
            _ => "",
        }
    }

    /// Where this block's `cache_control` goes; thinking can't have one.
    pub(super) fn cache_control(&mut self) -> Option<&mut Option<&'a RawValue>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => None,
        }
    }
}

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Layered { map: serializer.serialize_map(None)?, over: &self.over };
        members.put("model", &self.model)?;
        members.put("max_tokens", &self.max_tokens)?;
        members.put("stream", &self.stream)?;
        members.put_some("temperature", self.temperature.as_ref())?;
        members.put_some("top_p", self.top_p.as_ref())?;
        members
            .put_some("stop_sequences", (!self.stop_sequences.is_empty()).then_some(&self.stop_sequences))?;
        members.put_some("thinking", self.thinking.as_ref())?;
        members.put_some("output_config", self.output_config.as_ref())?;
        members.put_some("metadata", self.metadata.as_ref())?;
        members.put_some("cache_control", self.cache_control.as_ref())?;
        members.put_some("system", (!self.system.is_empty()).then_some(&self.system))?;
        members.put_some("tools", self.tools.as_ref())?;
        members.put_some("tool_choice", self.tool_choice.as_ref())?;
        members.put("messages", &self.messages)?;
        for (name, value) in &self.over {
            members.map.serialize_entry(name, value)?;
        }
        members.map.end()
    }
}

/// A map that leaves out what the escape hatch brings itself.
struct Layered<'o, M> {
    map: M,
    over: &'o [(String, &'o RawValue)],
}

impl<M: SerializeMap> Layered<'_, M> {
    fn put<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), M::Error> {
        if self.over.iter().any(|(known, _)| known == name) {
            return Ok(());
        }
        self.map.serialize_entry(name, value)
    }

    fn put_some<T: Serialize>(&mut self, name: &str, value: Option<&T>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }
}
