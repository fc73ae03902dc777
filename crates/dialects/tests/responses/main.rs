//! The Responses API, both ways.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod checked;
mod documented;
mod golden;
mod keeping;
mod mutations;
mod roundtrip;
mod streaming;

use bytes::Bytes;
use dialects::models;
use dialects::openai_responses::{Defaults, Earlier, Translated, translate};
use messages::ApiError;
use serde_json::Value;

const CREATED: u64 = 1_795_305_600;
const COMPLETED: u64 = CREATED + 3;

/// Translates as the server does, with what it keeps of earlier responses.
fn attempt(body: &[u8], earlier: &Earlier<'_>, strict: bool) -> Result<Translated, ApiError> {
    let resolve = |name: &str| models::resolve(name).into_owned();
    let defaults = Defaults {
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
    };
    translate(body, earlier, &defaults)
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}
