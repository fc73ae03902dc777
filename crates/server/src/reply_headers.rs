//! Which of an upstream's headers a client sees, and under which names.

use std::time::Duration;

use backends::Reply;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};

use crate::pipeline::{Outlet, Plan};

/// Anthropic's limits under the names that OpenAI's clients read.
const LIMIT_NAMES: [(&str, &str); 6] = [
    ("anthropic-ratelimit-requests-limit", "x-ratelimit-limit-requests"),
    ("anthropic-ratelimit-requests-remaining", "x-ratelimit-remaining-requests"),
    ("anthropic-ratelimit-requests-reset", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-tokens-limit", "x-ratelimit-limit-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "x-ratelimit-remaining-tokens"),
    ("anthropic-ratelimit-tokens-reset", "x-ratelimit-reset-tokens"),
];

/// The reply's headers for the client, with what this server has to say about the request.
pub(crate) fn for_client(plan: &Plan, reply: &Reply) -> HeaderMap {
    let mut headers = match plan.outlet {
        Outlet::Anthropic => reply.headers.clone(),
        Outlet::Chat { .. } | Outlet::Response(_) | Outlet::InputTokens => translated(&reply.headers),
    };
    tell(plan, &reply.ignored, &mut headers);
    headers
}

/// The same for a request whose reply comes later.
pub(crate) fn of_plan(plan: &Plan) -> HeaderMap {
    let mut headers = HeaderMap::new();
    tell(plan, &[], &mut headers);
    headers
}

fn tell(plan: &Plan, ignored: &[String], headers: &mut HeaderMap) {
    if plan.asked != plan.served
        && let Ok(served) = HeaderValue::try_from(&plan.served)
    {
        headers.insert("x-model-served", served);
    }
    let ignored = plan.ignored.iter().chain(ignored).map(String::as_str).collect::<Vec<_>>().join(", ");
    if !ignored.is_empty()
        && let Ok(names) = HeaderValue::try_from(ignored)
    {
        headers.insert("x-ignored-parameters", names);
    }
}

/// How long an answer asks to wait. Upstreams tell seconds; a date counts as nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Who served, and the how-many-eth attempt it was: on every answer that reached a backend.
pub(crate) fn tell_who(headers: &mut HeaderMap, backend: &str, attempts: u32) {
    if let Ok(backend) = HeaderValue::from_str(backend) {
        headers.insert("x-backend", backend);
    }
    headers.insert("x-attempts", HeaderValue::from(attempts));
}

/// Headers of a Messages answer for a client of another dialect.
fn translated(upstream: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    for name in ["request-id", "x-should-retry", RETRY_AFTER.as_str()] {
        if let Some(value) = upstream.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    for (theirs, ours) in LIMIT_NAMES {
        if let Some(value) = upstream.get(theirs) {
            let value = if theirs.ends_with("-reset") { wait_until(value) } else { Some(value.clone()) };
            value.map(|value| headers.insert(HeaderName::from_static(ours), value));
        }
    }
    headers
}

/// Anthropic tells a point in time (RFC 3339), OpenAI a duration (`6s`).
fn wait_until(reset: &HeaderValue) -> Option<HeaderValue> {
    let at = humantime::parse_rfc3339(reset.to_str().ok()?).ok()?;
    let wait = at.duration_since(std::time::SystemTime::now()).unwrap_or_default();
    HeaderValue::try_from(format!("{}s", wait.as_secs())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anthropics_limits_get_the_names_openai_clients_read() {
        let soon =
            humantime::format_rfc3339(std::time::SystemTime::now() + std::time::Duration::from_secs(90));
        let upstream: HeaderMap = [
            ("anthropic-ratelimit-requests-remaining", "7".to_owned()),
            ("anthropic-ratelimit-requests-reset", soon.to_string()),
            ("retry-after", "9".to_owned()),
            ("anthropic-organization-id", "org".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap()))
        .collect();
        let told = translated(&upstream);
        assert_eq!(told["x-ratelimit-remaining-requests"], "7");
        assert!(["88s", "89s", "90s"].contains(&told["x-ratelimit-reset-requests"].to_str().unwrap()));
        assert_eq!(told["retry-after"], "9");
        assert!(!told.contains_key("anthropic-organization-id"));
    }
}
