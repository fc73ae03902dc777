//! Which headers travel through the proxy: all but those named here (the API's own list is open-ended).

use http::{HeaderMap, HeaderName};

/// Belong to one connection (RFC 9110, 7.6.1), not to the message.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// About the way to this server or between it and its caller: not the upstream's business. The caller's
/// credentials are among them; the backend puts its own in their place.
const REQUEST_ONLY_HERE: [&str; 23] = [
    "accept-encoding", // an encoded answer could not be read on its way
    "authorization",
    "content-encoding", // bodies are decoded on arrival
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "referer",
    "traceparent",
    "tracestate",
    "via",
    "x-api-key",
    "x-claude-code-events",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-goog-api-key",
    "x-proxy-key",
    "x-real-ip",
    "x-strict",
];

/// About the upstream's connection and host, not about the answer.
const ANSWER_ONLY_THERE: [&str; 8] = [
    "alt-svc",
    "content-length", // set anew from the body
    "date",
    "nel",
    "report-to",
    "server",
    "set-cookie",
    "strict-transport-security",
];

/// The caller's headers that go upstream.
pub(crate) fn request(headers: &HeaderMap) -> HeaderMap {
    keep(headers, &REQUEST_ONLY_HERE, |name| name.starts_with("sec-") || name.starts_with("access-control-"))
}

/// The upstream's headers that go to the caller.
pub(crate) fn answer(headers: &HeaderMap) -> HeaderMap {
    keep(headers, &ANSWER_ONLY_THERE, |name| name.starts_with("access-control-") || name.starts_with("cf-"))
}

/// Features of Claude Code itself and of its login, which no cloud knows and some refuse.
const OWN_BETAS: [&str; 2] = ["claude-code-20250219", "oauth-2025-04-20"];

/// Names features of the Messages API.
pub(crate) const BETA: &str = "anthropic-beta";

/// What the caller's `anthropic-beta` names, for APIs that are told in another way than by that header.
pub(crate) fn betas(headers: &HeaderMap) -> Vec<&str> {
    let lists = headers.get_all(BETA).iter().filter_map(|value| value.to_str().ok());
    let named = lists.flat_map(|list| list.split(',')).map(str::trim);
    named.filter(|beta| !beta.is_empty() && !OWN_BETAS.contains(beta)).collect()
}

fn keep(headers: &HeaderMap, dropped: &[&str], also: impl Fn(&str) -> bool) -> HeaderMap {
    let named_by_connection = connection_options(headers);
    let mut kept = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let text = name.as_str();
        let drop = HOP_BY_HOP.contains(&text)
            || dropped.contains(&text)
            || also(text)
            || named_by_connection.contains(name);
        if !drop {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Header names that `Connection` declares to be hop-by-hop.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse::<HeaderName>().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn a_callers_credentials_and_hops_stay_here() {
        let sent = request(&map(&[
            ("authorization", "Bearer secret"),
            ("x-api-key", "secret"),
            ("x-proxy-key", "secret"),
            ("cookie", "a=b"),
            ("connection", "x-private"),
            ("x-private", "1"),
            ("anthropic-version", "2026-10-21"),
            ("anthropic-anything-new", "yes"),
            ("x-unheard-of", "kept"),
        ]));
        let names: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["anthropic-version", "anthropic-anything-new", "x-unheard-of"]);
    }

    #[test]
    fn an_answers_own_headers_reach_the_caller() {
        let kept = answer(&map(&[
            ("request-id", "req_1"),
            ("retry-after", "7"),
            ("x-should-retry", "false"),
            ("anthropic-ratelimit-tokens-remaining", "5"),
            ("set-cookie", "__cf_bm=1"),
            ("transfer-encoding", "chunked"),
        ]));
        assert_eq!(kept.len(), 4);
        assert_eq!(kept["x-should-retry"], "false");
    }
}
