//! Citations of the API: web pages that a text is from.

use std::borrow::Cow;

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A web page that a text cites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cited {
    pub(crate) title: String,
    pub(crate) url: String,
}

#[derive(Deserialize)]
struct CitationWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    url: Option<Text<'a>>,
    title: Option<Text<'a>>,
}

impl Cited {
    /// Reads a citation; those of documents have no address and say nothing here.
    pub(crate) fn read(citation: &RawValue) -> Option<Self> {
        let CitationWire { kind, url, title } = serde_json::from_str(citation.get()).ok()?;
        let url = url.filter(|_| kind == "web_search_result_location")?.0.into_owned();
        Some(Self { title: title.unwrap_or_default().0.into_owned(), url })
    }

    /// Reads a text block's `citations`.
    pub(crate) fn list(citations: Option<&RawValue>) -> Vec<Self> {
        let list = citations.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
        list.unwrap_or_default().into_iter().filter_map(Self::read).collect()
    }
}
