//! The response headers that every answer of an API carries.

use super::Asking;
use crate::clock;
use crate::face::Face;
use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

const ORGANIZATION: &str = "5e11ab1e-0000-4000-8000-000000000001";

pub(super) fn usual(headers: &mut HeaderMap, content_type: &'static str, asking: Asking<'_>) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let id = HeaderValue::try_from(asking.request_id).ok();
    match (asking.face, id) {
        (Face::Messages, Some(id)) => {
            headers.insert("request-id", id);
        }
        (Face::Aws, Some(id)) => {
            headers.insert("x-amzn-requestid", id);
            return;
        }
        _ => return,
    }
    if content_type.starts_with("text/event-stream") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    headers.insert("anthropic-organization-id", HeaderValue::from_static(ORGANIZATION));
    let reset = HeaderValue::try_from(clock::rfc3339_in(1)).ok();
    for (limit, remaining, reset_name, of) in LIMITS {
        headers.insert(*limit, HeaderValue::from_static(of.0));
        headers.insert(*remaining, HeaderValue::from_static(of.1));
        if let Some(reset) = &reset {
            headers.insert(*reset_name, reset.clone());
        }
    }
}

type Limit = (&'static str, &'static str, &'static str, (&'static str, &'static str));

const LIMITS: &[Limit] = &[
    (
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
        ("4000", "3999"),
    ),
    (
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
        ("2000000", "1999000"),
    ),
    (
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
        ("400000", "399000"),
    ),
    (
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
        ("2400000", "2398000"),
    ),
];
