//! The Responses API, both ways.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod checked;
mod documented;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod golden;
mod keeping;
#[path = "../mutating/mod.rs"]
mod mutating;
mod mutations;
mod roundtrip;
mod streaming;

use bytes::Bytes;
use dialects::models;
use dialects::openai_responses::{Defaults, Earlier, Translated, translate, translate_for_counting};
use messages::ApiError;
use serde_json::Value;

const CREATED: u64 = 1_795_305_600;
const COMPLETED: u64 = CREATED + 3;

/// Translates as the server does, with what it keeps of earlier responses.
fn attempt(body: &[u8], earlier: &Earlier<'_>, strict: bool) -> Result<Translated, ApiError> {
    with_defaults(strict, |defaults| translate(body, earlier, defaults))
}

/// The same for a request that is to be counted.
fn attempt_to_count(body: &[u8], earlier: &Earlier<'_>) -> Result<Translated, ApiError> {
    with_defaults(false, |defaults| translate_for_counting(body, earlier, defaults))
}

fn with_defaults<T>(strict: bool, translate: impl Fn(&Defaults<'_>) -> T) -> T {
    let resolve = |name: &str| models::resolve(name).into_owned();
    translate(&Defaults {
        default_model: "sonnet",
        max_tokens: 4096,
        strict,
        plain_user: false,
        resolve: &resolve,
        rules: &models::rules,
        recall: &|_, _| None,
        web_search: true,
        auto_cache: false,
        most_choices: 1,
    })
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}
