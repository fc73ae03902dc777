//! The table of models: read from JSON, merged, asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Date, Rules};

/// One model.
#[derive(Clone, Debug, Deserialize)]
pub struct Model {
    /// Its id in the API.
    pub id: String,
    /// Its name for people.
    pub display_name: String,
    /// The line it belongs to, like `opus`.
    #[serde(default)]
    pub line: Option<String>,
    /// When it was released, where that is known.
    #[serde(default)]
    pub created: Option<Date>,
    /// Since when it is deprecated.
    #[serde(default)]
    pub deprecated: Option<Date>,
    /// When it will be retired.
    #[serde(default)]
    pub retires: Option<Date>,
    /// The context window, where that is known.
    #[serde(default)]
    pub max_input_tokens: Option<u64>,
    /// The most it writes in one answer, where that is known.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// The name of its rules in the table.
    #[serde(default)]
    pub rules: Option<String>,
}

/// A model as a backend offers it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// What it can be asked for as: `opus`, or its id.
    pub name: &'a str,
    /// The id that serves.
    pub id: &'a str,
    /// Its name for people.
    pub display_name: &'a str,
    /// The degrees of effort that it knows.
    pub efforts: &'a [String],
}

impl Model {
    fn new(offer: &Offer<'_>) -> Self {
        Self {
            id: offer.id.to_owned(),
            display_name: offer.display_name.to_owned(),
            line: None,
            created: None,
            deprecated: None,
            retires: None,
            max_input_tokens: None,
            max_tokens: None,
            rules: Some(offer.id.to_owned()),
        }
    }
}

/// A table of models. All parts are optional, so that a user's file can override just one fact.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Table {
    /// The day the facts were gathered.
    #[serde(default)]
    updated: Option<Date>,
    #[serde(default)]
    rules: BTreeMap<String, Rules>,
    #[serde(default)]
    current_rules: Option<String>,
    #[serde(default)]
    models: Vec<Model>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    #[serde(default)]
    retired: BTreeMap<String, String>,
}

impl Table {
    /// Reads a table.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// This table with `over` on top: models by id, everything else by key.
    #[must_use]
    pub fn merged(mut self, over: Self) -> Self {
        for model in over.models {
            match self.models.iter_mut().find(|known| known.id == model.id) {
                Some(known) => *known = model,
                None => self.models.push(model),
            }
        }
        self.rules.extend(over.rules);
        self.aliases.extend(over.aliases);
        self.retired.extend(over.retired);
        self.current_rules = over.current_rules.or(self.current_rules);
        self.updated = over.updated.max(self.updated);
        self
    }

    /// This table with one more alias.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>, model: impl Into<String>) -> Self {
        self.aliases.insert(alias.into(), model.into());
        self
    }

    /// This table with a model that a backend says it serves. It may be known by the name of its line: then that name
    /// stands for it from now on.
    #[must_use]
    pub fn with_offer(mut self, offer: &Offer<'_>) -> Self {
        let line = offer.display_name.to_lowercase();
        let alias = if offer.name == offer.id { line } else { offer.name.to_owned() };
        if offer.name != offer.id || self.aliases.contains_key(&alias) {
            self.aliases.insert(alias, offer.id.to_owned());
        }
        if self.model(offer.id).is_none() {
            let has = |effort: &str| offer.efforts.iter().any(|known| known == effort);
            let rules = Rules { effort: has("low"), all_efforts: has("max"), ..self.rules(offer.id) };
            self.rules.insert(offer.id.to_owned(), rules);
            self.models.push(Model::new(offer));
        }
        self
    }

    /// The day the facts were gathered.
    #[must_use]
    pub const fn updated(&self) -> Option<Date> {
        self.updated
    }

    /// All models, newest first.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// All aliases and what they stand for.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|(alias, model)| (alias.as_str(), model.as_str()))
    }

    /// The entry with this id, if there is one.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// The model that serves this name. An alias may point at an alias or a retired id.
    #[must_use]
    pub fn resolve<'n>(&self, name: &'n str) -> Cow<'n, str> {
        const LONGEST_CHAIN: usize = 4;
        let next = |name: &str| self.aliases.get(name).or_else(|| self.retired.get(name));
        let mut served: Option<&String> = None;
        for _ in 0..LONGEST_CHAIN {
            match next(served.map_or(name, String::as_str)) {
                Some(model) => served = Some(model),
                None => break,
            }
        }
        served.map_or(Cow::Borrowed(name), |model| Cow::Owned(model.clone()))
    }

    /// What this model takes. A Claude model that is not listed counts as a current one.
    #[must_use]
    pub fn rules(&self, model: &str) -> Rules {
        let bare = bare_id(model);
        let resolved = self.resolve(&bare);
        let entry = self.model(&resolved).or_else(|| self.model(undated(&resolved)));
        let named = match entry {
            Some(model) => model.rules.as_ref(),
            None if resolved.starts_with("claude-") => self.current_rules.as_ref(),
            None => None,
        };
        named.and_then(|name| self.rules.get(name)).copied().unwrap_or(Rules::UNKNOWN)
    }
}

/// The id in `us.anthropic.claude-opus-4-6-v1:0` (Bedrock), `claude-opus-4-6@20260205` (Vertex) or
/// `claude-opus-4-6[1m]` (Claude Code).
fn bare_id(model: &str) -> Cow<'_, str> {
    let id = model.rsplit_once("anthropic.").map_or(model, |(_, id)| id);
    let id = id.split_once('[').map_or(id, |(id, _)| id);
    let id = id.split_once(':').map_or(id, |(id, _)| id);
    let id = id.strip_suffix("-v1").or_else(|| id.strip_suffix("-v2")).unwrap_or(id);
    if id.contains('@') { Cow::Owned(id.replace('@', "-")) } else { Cow::Borrowed(id) }
}

/// The API's own id of a model that a cloud or a program calls otherwise, without its date.
#[must_use]
pub fn plain_id(model: &str) -> String {
    undated(&bare_id(model)).to_owned()
}

/// The id without its date, `claude-opus-4-6-20260205` → `claude-opus-4-6`.
fn undated(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((id, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => id,
        _ => id,
    }
}
