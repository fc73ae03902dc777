//! What of a request its answer depends on.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName};
use policy::cache::{Freshness, Key, KeyHasher};
use policy::config;
use wire::json::{canonical, peek};

use crate::app::App;
use crate::dialect::Dialect;
use crate::pipeline::{Asked, Journey, Plan};

/// Longer requests are not looked up: putting them in order would take longer than it is worth.
const MAX_REQUEST_BYTES: usize = 1 << 20;

/// What the names of headers begin with that an answer may depend on.
const OF_THE_ANSWER: [&str; 3] = ["anthropic-", "x-amzn-bedrock-", "x-vertex-ai-"];

/// The name of the answer and which one the caller takes; `None` where it must not come from here.
pub(super) fn wanted(
    app: &App,
    settings: config::Cache,
    dialect: Dialect,
    journey: &Journey,
) -> Option<(Key, Freshness)> {
    let (asked, plan) = (&journey.asked, &journey.plan);
    let values = asked.headers.get_all(CACHE_CONTROL).iter();
    let freshness = Freshness::of(values.filter_map(|value| value.to_str().ok()));
    let has_effects = !settings.tools && (declares_tools(plan) || app.has_built_in_tools());
    if freshness.no_store || has_effects || plan.is_kept() || asked.own_key.is_some() {
        return None;
    }
    let owner = if settings.shared { "" } else { &asked.owner };
    Some((key(asked, dialect, owner, &plan.served)?, freshness))
}

/// Everything that the answer depends on, but for the server's own configuration.
fn key(asked: &Asked, dialect: Dialect, owner: &str, served: &str) -> Option<Key> {
    if asked.body.len() > MAX_REQUEST_BYTES {
        return None;
    }
    let body = canonical(&asked.body).ok()?;
    let wishes = [u8::from(asked.wishes.strict), u8::from(asked.wishes.agent_events)];
    let hasher = KeyHasher::default()
        .with(dialect.name().as_bytes())
        .with(asked.operation.name().as_bytes())
        .with(owner.as_bytes())
        .with(served.as_bytes())
        .with(asked.query.as_deref().unwrap_or_default().as_bytes())
        .with(&wishes)
        .with(&body);
    Some(with_headers(hasher, &asked.headers).key())
}

/// The headers that an upstream goes by (the API's features, Bedrock's guardrails), in an order of their own.
fn with_headers(hasher: KeyHasher, headers: &HeaderMap) -> KeyHasher {
    let counts = |name: &&HeaderName| OF_THE_ANSWER.iter().any(|start| name.as_str().starts_with(start));
    let mut names: Vec<_> = headers.keys().filter(counts).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    names.into_iter().fold(hasher, |hasher, name| {
        let values = headers.get_all(name).iter();
        values.fold(hasher.with(name.as_str().as_bytes()), |hasher, value| hasher.with(value.as_bytes()))
    })
}

/// Whether the model may call tools, the caller's or the API's own. What can't be read has none: it is refused.
fn declares_tools(plan: &Plan) -> bool {
    let members = peek::members(&plan.body, ["tools", "mcp_servers"]).unwrap_or_default();
    members.into_iter().flatten().any(|list| !matches!(list.get(), "[]" | "null"))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
