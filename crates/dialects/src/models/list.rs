//! Lists of models in both shapes.
//! <https://platform.claude.com/docs/en/api/models/list>, <https://platform.openai.com/docs/api-reference/models>

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;

use super::capabilities::Capabilities;
use super::{Date, Model, Table};

/// Which part of Anthropic's list is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page<'a> {
    /// At most this many, 20 where it is not said.
    pub limit: Option<usize>,
    /// Those after this id.
    pub after_id: Option<&'a str>,
    /// Those before this id.
    pub before_id: Option<&'a str>,
}

/// `C`, `N`: capabilities and numbers, read from the table or as a backend tells them.
#[derive(Serialize)]
pub(super) struct OpenAiModel<'a, T = &'a serde_json::value::RawValue, N = T, C = T> {
    pub(super) id: Cow<'a, str>,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) owned_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shutdown_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_input_tokens: Option<N>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<N>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capabilities: Option<C>,
}

#[derive(Serialize)]
pub(super) struct OpenAiList<M> {
    pub(super) object: &'static str,
    pub(super) data: Vec<M>,
}

type TableModel<'a> = OpenAiModel<'a, &'a str, u64, Capabilities>;

#[derive(Serialize)]
struct AnthropicModel<'a> {
    r#type: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
    lifecycle: &'static str,
    deprecated_at: Option<String>,
    retires_at: Option<String>,
    line: Option<&'a str>,
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
    capabilities: Option<Capabilities>,
}

#[derive(Serialize)]
struct AnthropicList<'a> {
    data: &'a [AnthropicModel<'a>],
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

impl<'a, T, N, C> OpenAiModel<'a, T, N, C> {
    pub(super) fn new(id: Cow<'a, str>, created: Option<Date>) -> Self {
        Self {
            id,
            object: "model",
            created: created.unwrap_or_default().unix(),
            owned_by: "anthropic",
            shutdown_date: None,
            display_name: None,
            max_input_tokens: None,
            max_tokens: None,
            capabilities: None,
        }
    }
}

impl Page<'_> {
    /// Which of these ids are on the page, and whether there are more in its direction.
    pub(super) fn among(&self, ids: &[&str]) -> (Range<usize>, bool) {
        let place = |id: Option<&str>| id.and_then(|id| ids.iter().position(|known| *known == id));
        let from = place(self.after_id).map_or(0, |at| at + 1);
        let to = place(self.before_id).unwrap_or(ids.len()).max(from);
        let limit = self.limit.unwrap_or(20);
        match self.before_id {
            // Backwards, the page is the one that ends right before the id.
            Some(_) => (from.max(to.saturating_sub(limit))..to, to.saturating_sub(limit) > from),
            None => (from..to.min(from.saturating_add(limit)), from.saturating_add(limit) < to),
        }
    }
}

impl<'a> AnthropicModel<'a> {
    fn new(id: &'a str, model: &'a Model, table: &Table) -> Self {
        Self {
            r#type: "model",
            id,
            display_name: &model.display_name,
            // The API too gives an epoch value where the day is not known.
            created_at: model.created.unwrap_or_default().to_string(),
            lifecycle: if model.deprecated.is_some() { "deprecated" } else { "active" },
            deprecated_at: model.deprecated.map(|day| day.to_string()),
            retires_at: model.retires.map(|day| day.to_string()),
            line: model.line.as_deref(),
            max_input_tokens: model.max_input_tokens,
            max_tokens: model.max_tokens,
            capabilities: Capabilities::of(table.rules(&model.id)),
        }
    }
}

impl Table {
    /// All names that can be asked for: models, then aliases of known models.
    fn entries(&self) -> impl Iterator<Item = (&str, &Model)> {
        let aliases = self.aliases().filter_map(|(alias, _)| Some((alias, self.entry(alias)?)));
        self.models().iter().map(|model| (model.id.as_str(), model)).chain(aliases)
    }

    fn entry(&self, id: &str) -> Option<&Model> {
        self.model(&self.resolve(id))
    }

    fn openai<'a>(&self, id: &'a str, model: &'a Model) -> TableModel<'a> {
        TableModel {
            shutdown_date: model.retires.map(Date::day),
            display_name: Some(model.display_name.as_str()),
            max_input_tokens: model.max_input_tokens,
            max_tokens: model.max_tokens,
            capabilities: Capabilities::of(self.rules(&model.id)),
            ..TableModel::new(Cow::Borrowed(id), model.created)
        }
    }

    /// The list in OpenAI's shape.
    #[must_use]
    pub fn list_openai(&self) -> Bytes {
        let data: Vec<TableModel<'_>> = self.entries().map(|(id, model)| self.openai(id, model)).collect();
        json(&OpenAiList { object: "list", data })
    }

    /// One model in OpenAI's shape; an alias keeps its name.
    #[must_use]
    pub fn get_openai(&self, id: &str) -> Option<Bytes> {
        self.entry(id).map(|model| json(&self.openai(id, model)))
    }

    /// A page of the list in Anthropic's shape.
    #[must_use]
    pub fn list_anthropic(&self, page: &Page<'_>) -> Bytes {
        let all: Vec<_> = self.entries().map(|(id, model)| AnthropicModel::new(id, model, self)).collect();
        let ids: Vec<&str> = all.iter().map(|model| model.id).collect();
        let (range, has_more) = page.among(&ids);
        let data = all.get(range).unwrap_or_default();
        let [first_id, last_id] = [data.first(), data.last()].map(|model| model.map(|model| model.id));
        json(&AnthropicList { data, has_more, first_id, last_id })
    }

    /// One model in Anthropic's shape; an alias keeps its name.
    #[must_use]
    pub fn get_anthropic(&self, id: &str) -> Option<Bytes> {
        self.entry(id).map(|model| json(&AnthropicModel::new(id, model, self)))
    }
}

pub(super) fn json<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}
