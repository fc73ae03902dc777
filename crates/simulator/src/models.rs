//! The models the simulator serves and what each of them refuses, after the API's own rules.

use crate::refusal::Refusal;
use serde::Serialize;
use std::borrow::Cow;

/// A model on offer.
pub(crate) struct Model {
    /// The id answers carry.
    pub(crate) id: &'static str,
    /// An undated name for the same model.
    alias: Option<&'static str>,
    display_name: &'static str,
    created_at: &'static str,
    pub(crate) max_output_tokens: u64,
    context_tokens: u64,
}

const fn model(
    id: &'static str,
    alias: Option<&'static str>,
    display_name: &'static str,
    created_at: &'static str,
    limits: (u64, u64),
) -> Model {
    Model { id, alias, display_name, created_at, max_output_tokens: limits.0, context_tokens: limits.1 }
}

const LARGE: (u64, u64) = (128_000, 1_000_000);
const MIDDLE: (u64, u64) = (64_000, 200_000);

/// Newest first, as the API lists them.
static MODELS: &[Model] = &[
    model("claude-fable-5-2", None, "Claude Fable 5.2", "2026-10-20T00:00:00Z", LARGE),
    model("claude-mythos-5-2", None, "Claude Mythos 5.2", "2026-10-20T00:00:00Z", LARGE),
    model("claude-haiku-5-5", None, "Claude Haiku 5.5", "2026-10-06T00:00:00Z", LARGE),
    model("claude-sonnet-5-5", None, "Claude Sonnet 5.5", "2026-09-29T00:00:00Z", LARGE),
    model("claude-fable-5-1", None, "Claude Fable 5.1", "2026-09-15T00:00:00Z", LARGE),
    model("claude-opus-5-5", None, "Claude Opus 5.5", "2026-09-08T00:00:00Z", LARGE),
    model("claude-mythos-5-1", None, "Claude Mythos 5.1", "2026-09-01T00:00:00Z", LARGE),
    model("claude-sonnet-5", None, "Claude Sonnet 5", "2026-07-07T00:00:00Z", LARGE),
    model("claude-fable-5", None, "Claude Fable 5", "2026-06-30T00:00:00Z", LARGE),
    model("claude-mythos-5", None, "Claude Mythos 5", "2026-06-30T00:00:00Z", LARGE),
    model("claude-opus-5", None, "Claude Opus 5", "2026-06-23T00:00:00Z", LARGE),
    model("claude-opus-4-8", None, "Claude Opus 4.8", "2026-05-28T00:00:00Z", LARGE),
    model("claude-opus-4-7", None, "Claude Opus 4.7", "2026-04-14T00:00:00Z", LARGE),
    model("claude-sonnet-4-6", None, "Claude Sonnet 4.6", "2026-02-17T00:00:00Z", LARGE),
    model("claude-opus-4-6", None, "Claude Opus 4.6", "2026-02-04T00:00:00Z", LARGE),
    model(
        "claude-opus-4-5-20251101",
        Some("claude-opus-4-5"),
        "Claude Opus 4.5",
        "2025-11-24T00:00:00Z",
        MIDDLE,
    ),
    model(
        "claude-haiku-4-5-20251001",
        Some("claude-haiku-4-5"),
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        MIDDLE,
    ),
    model(
        "claude-sonnet-4-5-20250929",
        Some("claude-sonnet-4-5"),
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        MIDDLE,
    ),
];

/// The model of this name, alias or id.
pub(crate) fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == name || model.alias == Some(name))
}

/// The name an answer carries for a model asked for by this name.
pub(crate) fn served(name: &str) -> Cow<'_, str> {
    find(name).map_or(Cow::Borrowed(name), |model| Cow::Borrowed(model.id))
}

/// What a model refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `temperature`, `top_p` and `top_k` are refused.
    pub(crate) no_sampling: bool,
    /// `temperature` and `top_p` are refused together.
    pub(crate) one_of_temperature_and_top_p: bool,
    /// `thinking.type` `enabled` is refused.
    pub(crate) no_manual_thinking: bool,
    /// `thinking.type` `adaptive` is refused.
    pub(crate) no_adaptive_thinking: bool,
    /// `output_config.effort` is refused.
    pub(crate) no_effort: bool,
    /// A final assistant message is refused.
    pub(crate) no_prefill: bool,
    /// `role: "system"` inside `messages` is refused.
    pub(crate) no_system_messages: bool,
}

/// The rules for a model; a name without a version counts as the newest.
pub(crate) fn rules(name: &str) -> Rules {
    let (family, version) = family_and_version(name);
    Rules {
        no_sampling: version >= (4, 7),
        one_of_temperature_and_top_p: ((4, 1)..=(4, 6)).contains(&version),
        no_manual_thinking: version >= (4, 7),
        no_adaptive_thinking: version < (4, 6),
        no_effort: version < (4, 6) && family != "opus",
        no_prefill: version >= (4, 6),
        no_system_messages: version < (4, 8),
    }
}

/// `claude-opus-4-5-20251101` → `("opus", (4, 5))`.
fn family_and_version(name: &str) -> (&str, (u32, u32)) {
    let mut parts = name.strip_prefix("claude-").unwrap_or(name).split('-');
    let family = parts.next().unwrap_or_default();
    let mut number = || parts.next().filter(|part| part.len() < 3).and_then(|part| part.parse().ok());
    match (number(), number()) {
        (Some(major), minor) => (family, (major, minor.unwrap_or(0))),
        (None, _) => (family, (u32::MAX, 0)),
    }
}

/// The ids of all of them.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.id)
}

#[derive(Serialize)]
struct Listed {
    r#type: &'static str,
    id: &'static str,
    display_name: &'static str,
    created_at: &'static str,
    lifecycle: &'static str,
    max_input_tokens: u64,
    max_tokens: u64,
}

#[derive(Serialize)]
struct Page {
    data: Vec<Listed>,
    has_more: bool,
    first_id: Option<&'static str>,
    last_id: Option<&'static str>,
}

fn listed(model: &Model) -> Listed {
    Listed {
        r#type: "model",
        id: model.id,
        display_name: model.display_name,
        created_at: model.created_at,
        lifecycle: if model.id.starts_with("claude-sonnet-4-5") { "deprecated" } else { "active" },
        max_input_tokens: model.context_tokens,
        max_tokens: model.max_output_tokens,
    }
}

/// `GET /v1/models/{id}`.
pub(crate) fn one(name: &str) -> Result<String, Refusal> {
    let model = find(name).ok_or_else(|| Refusal::not_found(format!("model: {name}")))?;
    Ok(serde_json::to_string(&listed(model)).unwrap_or_default())
}

/// `GET /v1/models` with `limit`, `after_id` and `before_id`.
pub(crate) fn page(query: &str) -> Result<String, Refusal> {
    let limit = match parameter(query, "limit") {
        None => 20,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=1000).contains(limit))
            .ok_or_else(|| Refusal::at("limit", "Input should be between 1 and 1000"))?,
    };
    let position = |name: &str| {
        MODELS
            .iter()
            .position(|model| model.id == name)
            .ok_or_else(|| Refusal::invalid(format!("Invalid model id: {name}")))
    };
    let start = parameter(query, "after_id").map(position).transpose()?.map_or(0, |found| found + 1);
    let end = parameter(query, "before_id").map(position).transpose()?.unwrap_or(MODELS.len());
    let range = MODELS.get(start..end).unwrap_or_default();
    let data: Vec<Listed> = range.iter().take(limit).map(listed).collect();
    let (first_id, last_id) = (data.first().map(|model| model.id), data.last().map(|model| model.id));
    let page = Page { has_more: range.len() > data.len(), data, first_id, last_id };
    Ok(serde_json::to_string(&page).unwrap_or_default())
}

pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::{family_and_version, page, rules, served};

    #[test]
    fn versions_are_read_from_dated_and_undated_names() {
        assert_eq!(family_and_version("claude-opus-4-5-20251101"), ("opus", (4, 5)));
        assert_eq!(family_and_version("claude-sonnet-5"), ("sonnet", (5, 0)));
        assert_eq!(family_and_version("claude-haiku-4-5"), ("haiku", (4, 5)));
    }

    #[test]
    fn an_alias_is_answered_with_the_dated_id() {
        assert_eq!(served("claude-haiku-4-5"), "claude-haiku-4-5-20251001");
        assert_eq!(served("claude-sonnet-5-5"), "claude-sonnet-5-5");
    }

    #[test]
    fn old_models_take_what_new_ones_refuse() {
        assert!(rules("claude-opus-4-7").no_sampling && !rules("claude-opus-4-6").no_sampling);
        assert!(rules("claude-haiku-4-5").no_effort && !rules("claude-opus-4-5").no_effort);
        assert!(rules("claude-sonnet-4-6").no_prefill && !rules("claude-sonnet-4-5").no_prefill);
    }

    #[test]
    fn a_second_page_starts_after_the_first() {
        let first: serde_json::Value = serde_json::from_str(&page("limit=3").unwrap()).unwrap();
        assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (3, &true.into()));
        let query = format!("limit=1000&after_id={}", first["last_id"].as_str().unwrap());
        let second: serde_json::Value = serde_json::from_str(&page(&query).unwrap()).unwrap();
        assert_eq!(second["has_more"], false);
        assert_ne!(second["first_id"], first["last_id"]);
    }
}
