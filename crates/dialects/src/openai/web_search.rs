//! The API's own web search as a tool.
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{Members, Path, Text};
use serde::Serialize;
use serde_json::value::RawValue;

use super::origin::ToolOrigin;
use super::output::AnyTool;

/// The tool's name.
pub(crate) const NAME: &str = "web_search";

/// The tool as the API wants it declared.
#[derive(Debug, Serialize)]
pub(crate) struct WebSearch<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_uses: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_domains: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_location: Option<Location<'a>>,
}

impl Default for WebSearch<'_> {
    fn default() -> Self {
        Self {
            r#type: "web_search_20250305",
            name: NAME,
            max_uses: None,
            allowed_domains: Vec::new(),
            user_location: None,
        }
    }
}

impl WebSearch<'_> {
    /// The tool that comes from there.
    pub(crate) fn tool<'t>(&self, origin: ToolOrigin) -> AnyTool<'t> {
        // Strings and numbers always serialise.
        let tool = serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned());
        AnyTool::Served { origin, name: Some(NAME), tool }
    }
}

/// Where the user is, as far as the caller tells.
#[derive(Debug, Serialize)]
pub(crate) struct Location<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<Cow<'a, str>>,
}

impl<'a> Location<'a> {
    /// Reads the place; what is not told is left out.
    pub(crate) fn read(place: &mut Members<'a>, at: &Path<'_>) -> Result<Self, ApiError> {
        let mut text = |key: &str| {
            let text = place.optional::<Text<'a>>(key, at)?;
            Ok::<_, ApiError>(text.map(|text| text.0).filter(|text| !text.is_empty()))
        };
        Ok(Self {
            r#type: "approximate",
            city: text("city")?,
            region: text("region")?,
            country: text("country")?,
            timezone: text("timezone")?,
        })
    }
}
