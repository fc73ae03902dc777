//! The usage of several calls upstream as one.

use bytes::Bytes;
use messages::{RawEvent, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use wire::json::{Malformed, edit::Edit, peek};

/// What a model used since the last `result`, as the program counts it: sub-agents and its own calls included.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct OfModel {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_creation_ephemeral1h_input_tokens: u64,
    thinking_tokens: u64,
    web_search_requests: u64,
}

/// The usage of all models in a `result`'s `model_usage_since_last_result`.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    let models: HashMap<String, OfModel> = serde_json::from_str(raw.get()).ok()?;
    Some(models.into_values().fold(Usage::default(), |total, model| sum(total, model.into())))
}

impl From<OfModel> for Usage {
    fn from(model: OfModel) -> Self {
        Self {
            input_tokens: model.input_tokens,
            output_tokens: model.output_tokens,
            cache_creation_input_tokens: model.cache_creation_input_tokens,
            cache_creation_1h_input_tokens: model.cache_creation_ephemeral1h_input_tokens,
            cache_read_input_tokens: model.cache_read_input_tokens,
            thinking_tokens: model.thinking_tokens,
            web_search_requests: model.web_search_requests,
        }
    }
}

pub(super) fn sum(one: Usage, other: Usage) -> Usage {
    each(one, other, u64::saturating_add)
}

/// What is left of `all` when `known` is taken off.
pub(super) fn less(all: Usage, known: Usage) -> Usage {
    each(all, known, u64::saturating_sub)
}

fn each(one: Usage, other: Usage, of: impl Fn(u64, u64) -> u64) -> Usage {
    Usage {
        input_tokens: of(one.input_tokens, other.input_tokens),
        output_tokens: of(one.output_tokens, other.output_tokens),
        cache_creation_input_tokens: of(one.cache_creation_input_tokens, other.cache_creation_input_tokens),
        cache_creation_1h_input_tokens: of(
            one.cache_creation_1h_input_tokens,
            other.cache_creation_1h_input_tokens,
        ),
        cache_read_input_tokens: of(one.cache_read_input_tokens, other.cache_read_input_tokens),
        thinking_tokens: of(one.thinking_tokens, other.thinking_tokens),
        web_search_requests: of(one.web_search_requests, other.web_search_requests),
    }
}

/// A `message_delta` that tells this usage instead of its own; what else it says stays.
pub(super) fn told(delta: &RawEvent, total: Usage) -> Result<RawEvent, Malformed> {
    let [usage] = peek::members(&delta.data, ["usage"])?;
    let usage = usage.map_or(Bytes::from_static(b"{}"), |raw| delta.data.slice_ref(raw.get().as_bytes()));
    let long = total.cache_creation_1h_input_tokens;
    let short = total.cache_creation_input_tokens.saturating_sub(long);
    let kept = format!(r#"{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}}"#);
    let mut edit = Edit::new(&usage)
        .set("input_tokens", &total.input_tokens.to_string())
        .set("cache_creation_input_tokens", &total.cache_creation_input_tokens.to_string())
        .set("cache_read_input_tokens", &total.cache_read_input_tokens.to_string())
        .set("cache_creation", &kept)
        .set("output_tokens", &total.output_tokens.to_string());
    if total.thinking_tokens > 0 {
        let thinking = format!(r#"{{"thinking_tokens":{}}}"#, total.thinking_tokens);
        edit = edit.set("output_tokens_details", &thinking);
    }
    let usage = edit.finish()?;
    let data = Edit::new(&delta.data).set("usage", &String::from_utf8_lossy(&usage)).finish()?;
    Ok(RawEvent { name: delta.name.clone(), data })
}

/// A `message_delta` with another stop reason.
pub(super) fn stopped_by(delta: &RawEvent, reason: &str) -> Result<RawEvent, Malformed> {
    let [inner] = peek::members(&delta.data, ["delta"])?;
    let inner = inner.map_or(Bytes::from_static(b"{}"), |raw| delta.data.slice_ref(raw.get().as_bytes()));
    let inner = Edit::new(&inner).set("stop_reason", &format!("\"{reason}\"")).finish()?;
    let data = Edit::new(&delta.data).set("delta", &String::from_utf8_lossy(&inner)).finish()?;
    Ok(RawEvent { name: delta.name.clone(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_models_of_a_result_are_added_up() {
        let raw = r#"{"a":{"inputTokens":3,"outputTokens":4,"costUSD":0.1,"cacheCreationEphemeral1hInputTokens":2},"b":{"inputTokens":10,"cacheReadInputTokens":5}}"#;
        let total = read(&RawValue::from_string(raw.into()).unwrap()).unwrap();
        let expected = Usage {
            input_tokens: 13,
            output_tokens: 4,
            cache_creation_1h_input_tokens: 2,
            cache_read_input_tokens: 5,
            ..Usage::default()
        };
        assert_eq!(total, expected);
        assert_eq!(less(sum(total, total), total), total);
    }

    #[test]
    fn the_last_delta_tells_the_sum_and_keeps_what_else_it_says() {
        let delta = r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","x":1.50},"usage":{"output_tokens":7,"new":[1]}}"#;
        let delta = RawEvent::from_json(delta.into()).unwrap();
        let total = Usage { input_tokens: 5, output_tokens: 9, thinking_tokens: 2, ..Usage::default() };
        let told = stopped_by(&told(&delta, total).unwrap(), "pause_turn").unwrap();
        let text = std::str::from_utf8(&told.data).unwrap();
        assert!(text.contains(r#""stop_reason":"pause_turn","x":1.50"#), "{text}");
        assert!(text.contains(r#""output_tokens":9,"new":[1],"input_tokens":5"#), "{text}");
        assert!(text.contains(r#""thinking_tokens":2"#), "{text}");
    }
}
