//! The Messages request as it is written: borrowed from the caller's body wherever that is possible.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::effort::{Effort, ThinkingConfig};
use super::format::Format;
use super::origin::{Origin, ToolOrigin};

/// The whole request. `over` replaces members of the same name.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    /// Without these two it is a request to count tokens.
    pub(crate) max_tokens: Option<u64>,
    pub(crate) stream: Option<bool>,
    pub(crate) system: Vec<Placed<'a>>,
    pub(crate) messages: Vec<Turn<'a>>,
    pub(crate) tools: Vec<AnyTool<'a>>,
    pub(crate) tool_choice: Option<ToolChoice<'a>>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop_sequences: Vec<Cow<'a, str>>,
    pub(crate) thinking: Option<ThinkingConfig>,
    pub(crate) output_config: Option<OutputConfig>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) mcp_servers: Vec<McpServer<'a>>,
    pub(crate) cache_control: Option<Cow<'a, RawValue>>,
    pub(crate) over: Vec<(String, &'a RawValue)>,
}

#[derive(Serialize)]
pub(crate) struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
}

impl OutputConfig {
    pub(crate) fn new(effort: Option<Effort>, format: Option<Format>) -> Option<Self> {
        (effort.is_some() || format.is_some()).then_some(Self { effort, format })
    }
}

#[derive(Serialize)]
pub(crate) struct Metadata {
    pub(crate) user_id: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Turn<'a> {
    pub(crate) role: &'static str,
    pub(crate) content: Vec<Placed<'a>>,
}

/// A block, and where it comes from.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Placed<'a> {
    #[serde(skip)]
    pub(crate) origin: Origin,
    pub(crate) block: Block<'a>,
}

impl<'a> From<Block<'a>> for Placed<'a> {
    /// A block that is of no place in the caller's request.
    fn from(block: Block<'a>) -> Self {
        Self { origin: Origin::default(), block }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block<'a> {
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
pub(crate) enum Source<'a> {
    Base64 { media_type: Cow<'static, str>, data: Cow<'a, str> },
    Text { media_type: &'static str, data: Cow<'a, str> },
    Url { url: Cow<'a, str> },
    File { file_id: Cow<'a, str> },
}

/// A tool of the caller's, or one that the API serves itself.
#[derive(Debug)]
pub(crate) enum AnyTool<'a> {
    Own(Tool<'a>),
    Served { origin: ToolOrigin, name: Option<&'static str>, tool: Box<RawValue> },
}

impl Serialize for AnyTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Own(tool) => tool.serialize(serializer),
            Self::Served { tool, .. } => tool.serialize(serializer),
        }
    }
}

impl AnyTool<'_> {
    /// What a tool choice can name; a set of tools has no name.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Own(tool) => Some(&tool.name),
            Self::Served { name, .. } => *name,
        }
    }

    /// Where it comes from.
    pub(crate) const fn origin(&self) -> ToolOrigin {
        match self {
            Self::Own(Tool { origin, .. }) | Self::Served { origin, .. } => *origin,
        }
    }

    pub(crate) const fn is_marked(&self) -> bool {
        matches!(self, Self::Own(tool) if tool.cache_control.is_some())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct McpServer<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) url: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_token: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Tool<'a> {
    #[serde(skip)]
    pub(crate) origin: ToolOrigin,
    pub(crate) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Cow<'a, str>>,
    pub(crate) input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<&'a RawValue>,
}

impl<'a> Tool<'a> {
    pub(crate) const fn new(name: Cow<'a, str>, input_schema: Cow<'a, RawValue>) -> Self {
        Self {
            origin: ToolOrigin::Made,
            name,
            description: None,
            input_schema,
            strict: false,
            cache_control: None,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ToolChoice<'a> {
    pub(crate) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) disable_parallel_tool_use: bool,
}

impl<'a> Block<'a> {
    pub(crate) const fn is_thinking(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }

    pub(crate) const fn text(text: Cow<'a, str>) -> Self {
        Self::Text { text, cache_control: None }
    }

    pub(crate) const fn placed(self, origin: Origin) -> Placed<'a> {
        Placed { origin, block: self }
    }

    /// The blocks in this one.
    pub(crate) fn within(&self) -> &[Placed<'a>] {
        if let Self::ToolResult { content, .. } = self { content } else { &[] }
    }

    /// Whether it, or a part of it, has a `cache_control`.
    pub(crate) fn is_marked(&self) -> bool {
        match self {
            Self::ToolResult { content, cache_control, .. } => {
                cache_control.is_some() || content.iter().any(|part| part.block.is_marked())
            }
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. } => cache_control.is_some(),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => false,
        }
    }

    /// Where this block's `cache_control` goes; thinking can't have one.
    pub(crate) fn cache_control(&mut self) -> Option<&mut Option<&'a RawValue>> {
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
        members.put_some("max_tokens", self.max_tokens.as_ref())?;
        members.put_some("stream", self.stream.as_ref())?;
        members.put_some("temperature", self.temperature.as_ref())?;
        members.put_some("top_p", self.top_p.as_ref())?;
        members
            .put_some("stop_sequences", (!self.stop_sequences.is_empty()).then_some(&self.stop_sequences))?;
        members.put_some("thinking", self.thinking.as_ref())?;
        members.put_some("output_config", self.output_config.as_ref())?;
        members.put_some("metadata", self.metadata.as_ref())?;
        members.put_some("cache_control", self.cache_control.as_ref())?;
        members.put_some("system", (!self.system.is_empty()).then_some(&self.system))?;
        members.put_some("tools", (!self.tools.is_empty()).then_some(&self.tools))?;
        members.put_some("mcp_servers", (!self.mcp_servers.is_empty()).then_some(&self.mcp_servers))?;
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
