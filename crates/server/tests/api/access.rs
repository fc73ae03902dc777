//! Who may call.

use http::Method;
use policy::keys::KeyHash;
use serde_json::json;

use crate::support::{Proxy, anthropic_request, chat_request};

fn with_key(key: &str) -> serde_json::Value {
    json!({ "auth": { "api_keys": [KeyHash::of(key).to_string()] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_caller_may_send_any_key_where_none_is_configured() {
    let proxy = Proxy::start().await;
    let body = || chat_request("hi", false).to_string();
    for header in [("authorization", "Bearer dummy-key"), ("x-api-key", "dummy-key"), ("x-other", "")] {
        assert_eq!(proxy.post("/v1/chat/completions", &[header], body()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_key_is_taken_in_both_headers_and_nothing_else_is() {
    let proxy = Proxy::with(with_key("right")).await;
    let body = || chat_request("hi", false).to_string();
    for header in
        [("authorization", "Bearer right"), ("authorization", "bearer right"), ("x-api-key", "right")]
    {
        assert_eq!(proxy.post("/v1/chat/completions", &[header], body()).await.status, 200);
    }
    for header in [
        ("authorization", "Bearer wrong"),
        ("authorization", "right"),
        ("x-api-key", ""),
        ("x-other", "right"),
    ] {
        let answer = proxy.post("/v1/chat/completions", &[header], body()).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("x-should-retry"), "false");
        assert_eq!(answer.json().await["error"]["code"], "invalid_api_key");
    }
    assert_eq!(proxy.simulator.requests().iter().filter(|sent| sent.method == "POST").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_speaks_the_callers_dialect() {
    let proxy = Proxy::with(with_key("right")).await;
    let answer = proxy.messages("hi", false).await;
    assert_eq!(answer.status, 401);
    let body = answer.json().await;
    assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!("authentication_error")));
    let answer = proxy.chat("hi", false).await;
    assert_eq!(answer.status, 401);
    assert!(answer.json().await["type"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_the_named_ones_needs_the_key() {
    let proxy = Proxy::with(with_key("right")).await;
    for path in ["/v1/models", "/v1/models/claude-sonnet-5-5", "/metrics", "/anything", "/v1/messages"] {
        assert_eq!(proxy.get(path, &[]).await.status, 401, "{path}");
    }
    for path in ["/health", "/health/live"] {
        assert_eq!(proxy.get(path, &[]).await.status, 200, "{path}");
    }
    assert_eq!(proxy.send(Method::HEAD, "/", &[], bytes::Bytes::new()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_the_status_alone() {
    let proxy = Proxy::with(with_key("right")).await;
    let told = proxy.get("/health", &[]).await.json().await;
    assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["status"]);
    let told = proxy.get("/health", &[("x-api-key", "right")]).await.json().await;
    assert!(told["version"].is_string() && told["backends"]["anthropic"]["state"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_web_page_nor_a_tunnel_gets_in_without_a_key() {
    let proxy = Proxy::start().await;
    let strange = [
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("via", "1.1 tunnel"),
    ];
    for header in strange {
        let body = anthropic_request("hi", false).to_string();
        let answer = proxy.post("/v1/messages", &[header, ("anthropic-version", "2023-06-01")], body).await;
        assert!([401, 403].contains(&answer.status.as_u16()), "{header:?} got {}", answer.status);
        assert_eq!(proxy.get("/v1/models", &[header]).await.status, answer.status, "{header:?} on GET");
    }
    assert_eq!(proxy.simulator.requests().iter().filter(|sent| sent.method == "POST").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_can_have_a_token_of_their_own() {
    let mut settings = with_key("right");
    settings["metrics"] = json!({ "token": "scrape" });
    let proxy = Proxy::with(settings).await;
    assert_eq!(proxy.get("/metrics", &[("authorization", "Bearer scrape")]).await.status, 200);
    assert_eq!(proxy.get("/metrics", &[("authorization", "Bearer other")]).await.status, 401);
    assert_eq!(proxy.get("/v1/models", &[("authorization", "Bearer scrape")]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_are_answered_only_when_configured() {
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let proxy = Proxy::start().await;
    let answer = proxy.send(Method::OPTIONS, "/v1/messages", &preflight, bytes::Bytes::new()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let proxy = Proxy::with(json!({ "server": { "cors_origins": ["https://app.example"] } })).await;
    let answer = proxy.send(Method::OPTIONS, "/v1/messages", &preflight, bytes::Bytes::new()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
}
