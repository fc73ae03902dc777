//! Calls of tools that the API serves itself: web searches and tools of MCP servers. Such an item is done when its
//! result comes, which is a block of its own.

use std::borrow::Cow;

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::{Events, Out, Place, Value};
use super::item::{Item, ItemStatus, McpError, SearchAction, Source};
use super::message::done;
use crate::openai::compact::compact;
use crate::openai_responses::stored;

/// A call that waits for its result.
#[derive(Debug)]
pub(super) struct ServedCall {
    place: Place,
    /// The call's id upstream, which the result names.
    id: String,
    kind: Kind,
    /// The call's input as JSON.
    input: String,
    /// What the block's start said, until deltas tell it better.
    started: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Search { sources: bool },
    Mcp { server: String, name: String },
}

/// The members of the blocks that begin a call and bring its result.
#[derive(Deserialize)]
pub(super) struct ServedBlock<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    server_name: Option<Text<'a>>,
    input: Option<&'a RawValue>,
    tool_use_id: Option<Text<'a>>,
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Query<'a> {
    #[serde(borrow)]
    query: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    url: Option<Text<'a>>,
}

impl ServedBlock<'_> {
    pub(super) fn read(raw: &RawValue) -> Option<ServedBlock<'_>> {
        serde_json::from_str(raw.get()).ok()
    }

    /// What the item's id begins with, if this begins a call that has an item.
    pub(super) fn begins(&self, kind: &str) -> Option<&'static str> {
        match (kind, self.name.as_ref().map(|name| &*name.0)) {
            ("server_tool_use", Some("web_search")) => Some("ws"),
            ("mcp_tool_use", Some(_)) if self.server_name.is_some() => Some("mcp"),
            _ => None,
        }
    }

    /// The call that this is the result of.
    pub(super) fn answers(&self, kind: &str) -> Option<&str> {
        let is_result = matches!(kind, "web_search_tool_result" | "mcp_tool_result");
        self.tool_use_id.as_ref().filter(|_| is_result).map(|id| &*id.0)
    }

    /// Whether the result says that the call failed: of a search, an object instead of the list of pages.
    fn failed(&self) -> bool {
        self.is_error || self.content.is_some_and(|content| content.get().starts_with('{'))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.content.and_then(|content| serde_json::from_str(content.get()).ok()).unwrap_or_default()
    }

    fn text(&self) -> String {
        let Some(content) = self.content else { return String::new() };
        if let Ok(Text(text)) = serde_json::from_str(content.get()) {
            return text.into_owned();
        }
        self.parts().into_iter().filter_map(|part| Some(part.text?.0.into_owned())).collect()
    }
}

impl ServedCall {
    pub(super) fn open(
        place: Place,
        block: &ServedBlock<'_>,
        sources: bool,
        events: &mut Events,
        out: &mut Out<'_>,
    ) -> Self {
        let text =
            |text: &Option<Text<'_>>| text.as_ref().map_or_else(String::new, |text| text.0.to_string());
        let kind = match &block.server_name {
            Some(server) => Kind::Mcp { server: server.0.to_string(), name: text(&block.name) },
            None => Kind::Search { sources },
        };
        let started = block.input.map(|input| compact(input.get()).into_owned());
        let call = Self { place, id: text(&block.id), kind, input: String::new(), started };
        let item = call.item(ItemStatus::InProgress, &[], None);
        let members = [("output_index", Value::Number(call.place.index)), ("item", Value::Raw(&item))];
        events.write(out, "response.output_item.added", &members);
        let begun = match call.kind {
            Kind::Search { .. } => "response.web_search_call.in_progress",
            Kind::Mcp { .. } => "response.mcp_call.in_progress",
        };
        events.inside(out, begun, &call.place, &[]);
        call
    }

    pub(super) fn is(&self, id: &str) -> bool {
        self.id == id
    }

    pub(super) fn grow(&mut self, json: &str, events: &mut Events, out: &mut Out<'_>) {
        if json.is_empty() {
            return;
        }
        self.started = None;
        self.input.push_str(json);
        if matches!(self.kind, Kind::Mcp { .. }) {
            let members = [("delta", Value::Text(json))];
            events.inside(out, "response.mcp_call_arguments.delta", &self.place, &members);
        }
    }

    /// The call is said; now it runs.
    pub(super) fn end_block(&mut self, events: &mut Events, out: &mut Out<'_>) {
        if let Some(started) = self.started.take() {
            self.grow(&started, events, out);
        }
        match self.kind {
            Kind::Search { .. } => {
                events.inside(out, "response.web_search_call.searching", &self.place, &[]);
            }
            Kind::Mcp { .. } => {
                let members = [("arguments", Value::Text(&self.input))];
                events.inside(out, "response.mcp_call_arguments.done", &self.place, &members);
            }
        }
    }

    /// The finished item and its place; without a result the turn ended before it came.
    pub(super) fn close(
        self,
        result: Option<&ServedBlock<'_>>,
        events: &mut Events,
        out: &mut Out<'_>,
    ) -> (usize, Box<RawValue>) {
        let failed = result.is_none_or(ServedBlock::failed);
        let kind = match (&self.kind, failed) {
            // OpenAI has no event for a search that failed; the item's status tells it.
            (Kind::Search { .. }, _) => "response.web_search_call.completed",
            (Kind::Mcp { .. }, false) => "response.mcp_call.completed",
            (Kind::Mcp { .. }, true) => "response.mcp_call.failed",
        };
        events.inside(out, kind, &self.place, &[]);
        let status = if failed { ItemStatus::Failed } else { ItemStatus::Completed };
        let found = result.map(ServedBlock::parts).unwrap_or_default();
        let source = |part: Part<'_>| Some(Source { r#type: "url", url: part.url?.0.into_owned() });
        let found: Vec<Source> = found.into_iter().filter_map(source).collect();
        let item = self.item(status, &found, result);
        done(&self.place, item, events, out)
    }

    fn item(&self, status: ItemStatus, found: &[Source], result: Option<&ServedBlock<'_>>) -> Box<RawValue> {
        let id = &*self.place.id;
        match &self.kind {
            Kind::Search { sources } => {
                let query: Option<Query<'_>> = serde_json::from_str(&self.input).ok();
                let query = query.and_then(|query| query.query).unwrap_or_default().0;
                let sources = sources.then_some(found);
                let action = SearchAction::Search { query: &query, queries: [&query], sources };
                stored::raw(&Item::WebSearchCall { id, status, action })
            }
            Kind::Mcp { server, name } => {
                let text = result.map(ServedBlock::text);
                let failed = status == ItemStatus::Failed;
                let content = result
                    .and_then(|result| result.content)
                    .map_or(Cow::Borrowed("[]"), |raw| compact(raw.get()));
                let content: Option<&RawValue> = serde_json::from_str(&content).ok();
                let error = content.filter(|_| failed);
                let error = error.map(|content| McpError { r#type: "mcp_tool_execution_error", content });
                let output = text.as_deref().filter(|_| !failed);
                let arguments = &*self.input;
                stored::raw(&Item::McpCall {
                    id,
                    server_label: server,
                    name,
                    arguments,
                    output,
                    error,
                    status,
                })
            }
        }
    }
}
