//! Lists of models in both shapes.
//! <https://platform.claude.com/docs/en/api/models/list>, <https://platform.openai.com/docs/api-reference/models>

use bytes::Bytes;
use messages::json::Text;
use serde::{Deserialize, Serialize};

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

#[derive(Serialize)]
struct OpenAiModel<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

#[derive(Serialize)]
struct OpenAiList<'a> {
    object: &'static str,
    data: Vec<OpenAiModel<'a>>,
}

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
}

#[derive(Serialize)]
struct AnthropicList<'a> {
    data: &'a [AnthropicModel<'a>],
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

impl<'a> OpenAiModel<'a> {
    fn new(id: &'a str, created: Option<Date>) -> Self {
        Self { id, object: "model", created: created.unwrap_or_default().unix(), owned_by: "anthropic" }
    }
}

impl<'a> AnthropicModel<'a> {
    fn new(id: &'a str, model: &'a Model) -> Self {
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

    /// The list in OpenAI's shape.
    #[must_use]
    pub fn list_openai(&self) -> Bytes {
        let data = self.entries().map(|(id, model)| OpenAiModel::new(id, model.created)).collect();
        json(&OpenAiList { object: "list", data })
    }

    /// One model in OpenAI's shape; an alias keeps its name.
    #[must_use]
    pub fn get_openai(&self, id: &str) -> Option<Bytes> {
        self.entry(id).map(|model| json(&OpenAiModel::new(id, model.created)))
    }

    /// A page of the list in Anthropic's shape.
    #[must_use]
    pub fn list_anthropic(&self, page: &Page<'_>) -> Bytes {
        let all: Vec<_> = self.entries().map(|(id, model)| AnthropicModel::new(id, model)).collect();
        let place = |id: Option<&str>| id.and_then(|id| all.iter().position(|model| model.id == id));
        let from = place(page.after_id).map_or(0, |at| at + 1);
        let to = place(page.before_id).unwrap_or(all.len()).max(from);
        let limit = page.limit.unwrap_or(20);
        let (from, to, has_more) = match page.before_id {
            // Backwards, the page is the one that ends right before the id.
            Some(_) => (from.max(to.saturating_sub(limit)), to, to.saturating_sub(limit) > from),
            None => (from, to.min(from.saturating_add(limit)), from.saturating_add(limit) < to),
        };
        let data = all.get(from..to).unwrap_or_default();
        let [first_id, last_id] = [data.first(), data.last()].map(|model| model.map(|model| model.id));
        json(&AnthropicList { data, has_more, first_id, last_id })
    }

    /// One model in Anthropic's shape; an alias keeps its name.
    #[must_use]
    pub fn get_anthropic(&self, id: &str) -> Option<Bytes> {
        self.entry(id).map(|model| json(&AnthropicModel::new(id, model)))
    }
}

fn json<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

#[derive(Deserialize)]
struct UpstreamModel<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    created_at: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct UpstreamList<'a> {
    #[serde(borrow)]
    data: Vec<UpstreamModel<'a>>,
}

impl UpstreamModel<'_> {
    fn openai(&self) -> OpenAiModel<'_> {
        OpenAiModel::new(&self.id.0, self.created_at.as_ref().and_then(|time| Date::parse(&time.0)))
    }
}

/// An upstream's list in OpenAI's shape. `None` if the body is no such list.
#[must_use]
pub fn openai_list_from_anthropic(body: &[u8]) -> Option<Bytes> {
    let list: UpstreamList<'_> = serde_json::from_slice(body).ok()?;
    let data = list.data.iter().map(UpstreamModel::openai).collect();
    Some(json(&OpenAiList { object: "list", data }))
}

/// An upstream's model in OpenAI's shape. `None` if the body is no model.
#[must_use]
pub fn openai_model_from_anthropic(body: &[u8]) -> Option<Bytes> {
    let model: UpstreamModel<'_> = serde_json::from_slice(body).ok()?;
    Some(json(&model.openai()))
}
