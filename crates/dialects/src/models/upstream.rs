//! A backend's own list of models, with the aliases of the table that it knows nothing of.

use bytes::Bytes;
use messages::json::Text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::json::edit::Edit;

use super::list::{OpenAiList, OpenAiModel, Page, json};
use super::{Date, Table};

/// The models of a backend as it describes them, then the aliases of those, under their own ids.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// By id, in the API's shape.
    models: Vec<(String, Box<RawValue>)>,
}

#[derive(Deserialize)]
struct ListWire<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ModelWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    display_name: Option<&'a RawValue>,
    created_at: Option<Text<'a>>,
    retires_at: Option<Text<'a>>,
    max_input_tokens: Option<&'a RawValue>,
    max_tokens: Option<&'a RawValue>,
    capabilities: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct AnthropicPage<'a> {
    data: Vec<&'a RawValue>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

impl Listing {
    /// Reads a list in Anthropic's shape. `None` if the body is no such list.
    #[must_use]
    pub fn read(body: &[u8], table: &Table) -> Option<Self> {
        Self::of_all([body], table)
    }

    /// Several lists as one, without those that are none: of entries with the same id the first stays. `None` if no body
    /// is a list.
    #[must_use]
    pub fn of_all<'a>(bodies: impl IntoIterator<Item = &'a [u8]>, table: &Table) -> Option<Self> {
        let mut listing: Option<Self> = None;
        for entries in bodies.into_iter().filter_map(entries) {
            let listing = listing.get_or_insert_default();
            for (id, raw) in entries {
                if listing.get(&id).is_none() {
                    listing.models.push((id, raw));
                }
            }
        }
        let listing = listing?;
        let aliases = table.aliases().filter(|(alias, _)| listing.get(alias).is_none());
        let named = aliases.filter_map(|(alias, _)| Some((alias.to_owned(), listing.alias(alias, table)?)));
        let named: Vec<_> = named.collect();
        let mut models = listing.models;
        models.extend(named);
        Some(Self { models })
    }

    /// The entry of the model that this name stands for, under this name.
    fn alias(&self, name: &str, table: &Table) -> Option<Box<RawValue>> {
        let entry = Bytes::copy_from_slice(self.get(&table.resolve(name))?.get().as_bytes());
        let id = serde_json::Value::from(name).to_string();
        let renamed = Edit::new(&entry).set("id", &id).finish().ok()?;
        RawValue::from_string(String::from_utf8(renamed.to_vec()).ok()?).ok()
    }

    fn get(&self, id: &str) -> Option<&RawValue> {
        self.models.iter().find(|(known, _)| known == id).map(|(_, raw)| &**raw)
    }

    /// The list in OpenAI's shape.
    #[must_use]
    pub fn openai(&self) -> Bytes {
        let data = self.models.iter().filter_map(|(_, raw)| reshaped(raw)).collect();
        json(&OpenAiList { object: "list", data })
    }

    /// A page of the list in Anthropic's shape.
    #[must_use]
    pub fn anthropic(&self, page: &Page<'_>) -> Bytes {
        let ids: Vec<&str> = self.models.iter().map(|(id, _)| id.as_str()).collect();
        let (range, has_more) = page.among(&ids);
        let models = self.models.get(range).unwrap_or_default();
        let [first_id, last_id] =
            [models.first(), models.last()].map(|model| model.map(|(id, _)| id.as_str()));
        let data = models.iter().map(|(_, raw)| &**raw).collect();
        json(&AnthropicPage { data, has_more, first_id, last_id })
    }

    /// One model in OpenAI's shape.
    #[must_use]
    pub fn get_openai(&self, id: &str) -> Option<Bytes> {
        reshaped(self.get(id)?).map(|model| json(&model))
    }

    /// One model in Anthropic's shape.
    #[must_use]
    pub fn get_anthropic(&self, id: &str) -> Option<Bytes> {
        self.get(id).map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()))
    }
}

/// The entries of one list, by id.
fn entries(body: &[u8]) -> Option<Vec<(String, Box<RawValue>)>> {
    let ListWire { data } = serde_json::from_slice(body).ok()?;
    let entry = |raw: &RawValue| {
        let id = serde_json::from_str::<ModelWire<'_>>(raw.get()).ok()?.id.0.into_owned();
        Some((id, raw.to_owned()))
    };
    data.into_iter().map(entry).collect()
}

/// The model in OpenAI's shape; what that has no name for keeps Anthropic's.
fn reshaped(raw: &RawValue) -> Option<OpenAiModel<'_>> {
    let model: ModelWire<'_> = serde_json::from_str(raw.get()).ok()?;
    let day = |time: Option<Text<'_>>| time.and_then(|time| Date::parse(&time.0));
    Some(OpenAiModel {
        shutdown_date: day(model.retires_at).map(Date::day),
        display_name: model.display_name,
        max_input_tokens: model.max_input_tokens,
        max_tokens: model.max_tokens,
        capabilities: model.capabilities,
        ..OpenAiModel::new(model.id.0, day(model.created_at))
    })
}
