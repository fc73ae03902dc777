//! A backend that is called with each caller's own key: which header is whose, and which never leaves.

use http::StatusCode;
use serde_json::{Value, json};
use simulator::Simulator;

use crate::support::{Answer, Proxy, anthropic_request};

const OURS: &str = "ccp_the_key_of_this_server";

async fn over(simulator: &Simulator, more: Value) -> Proxy {
    let mut settings =
        json!({ "backends": { "own": { "kind": "passthrough", "base_url": simulator.url() } } });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Proxy::with(settings).await
}

fn with_a_key() -> Value {
    let hash = policy::keys::KeyHash::of(OURS).to_string();
    json!({ "auth": { "api_keys": [hash] }, "admin": { "token": "the-admin-token" } })
}

async fn ask(proxy: &Proxy, path: &str, headers: &[(&str, &str)]) -> Answer {
    proxy.post(path, headers, anthropic_request("hi", false).to_string()).await
}

fn asked(simulator: &Simulator) -> Vec<simulator::Recorded> {
    simulator.requests().into_iter().filter(|request| request.method == "POST").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_own_key_goes_upstream_and_ours_does_not() {
    let simulator = Simulator::start().await.unwrap();
    let proxy = over(&simulator, with_a_key()).await;
    for path in ["/v1/messages", "/v1/chat/completions"] {
        for own in [("x-api-key", "sk-ant-api-own"), ("authorization", "Bearer own-token")] {
            let answer = ask(&proxy, path, &[("x-proxy-key", OURS), own]).await;
            assert_eq!(
                (answer.status, answer.header("x-backend")),
                (StatusCode::OK, "own"),
                "{path} {own:?}"
            );
            let sent = asked(&simulator).pop().unwrap();
            assert_eq!(sent.header(own.0), Some(own.1));
            let other = if own.0 == "x-api-key" { "authorization" } else { "x-api-key" };
            assert_eq!(sent.header(other), None);
            assert!(!format!("{:?}", sent.headers).contains(OURS), "{:?}", sent.headers);
        }
    }
}

/// Whatever is mixed up, no secret of this server's leaves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_this_server_is_nobodys_own() {
    let simulator = Simulator::start().await.unwrap();
    let proxy = over(&simulator, with_a_key()).await;
    let bearer = format!("Bearer {OURS}");
    for headers in [
        vec![("x-api-key", OURS)],
        vec![("authorization", bearer.as_str())],
        vec![("x-proxy-key", OURS)],
        vec![("x-proxy-key", OURS), ("x-api-key", OURS)],
        vec![("x-proxy-key", OURS), ("x-api-key", "the-admin-token")],
        vec![("x-proxy-key", OURS), ("x-api-key", "one"), ("x-api-key", "two")],
    ] {
        let answer = ask(&proxy, "/v1/messages", &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        let text = answer.text().await;
        assert!(text.contains("x-proxy-key") && !text.contains(OURS), "{text}");
    }
    assert_eq!(asked(&simulator).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_somebody_elses_opens_nothing() {
    let simulator = Simulator::start().await.unwrap();
    let proxy = over(&simulator, with_a_key()).await;
    for headers in
        [vec![("x-api-key", "sk-ant-api-own")], vec![("x-proxy-key", "wrong"), ("x-api-key", OURS)]]
    {
        assert_eq!(
            ask(&proxy, "/v1/messages", &headers).await.status,
            StatusCode::UNAUTHORIZED,
            "{headers:?}"
        );
    }
    assert_eq!(asked(&simulator).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_this_machine_the_usual_header_is_the_callers_own() {
    let simulator = Simulator::start().await.unwrap();
    let proxy = over(&simulator, json!({})).await;
    assert_eq!(ask(&proxy, "/v1/messages", &[("x-api-key", "own")]).await.status, StatusCode::OK);
    assert_eq!(asked(&simulator).pop().unwrap().header("x-api-key"), Some("own"));
    let without = ask(&proxy, "/v1/messages", &[]).await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
    assert_eq!(proxy.get("/health/ready", &[]).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_claude_account_is_refused_with_the_remedy() {
    let simulator = Simulator::start().await.unwrap();
    let proxy = over(&simulator, json!({})).await;
    for header in [("authorization", "Bearer sk-ant-oat01-secret"), ("x-api-key", "sk-ant-oat01-secret")] {
        for path in ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"] {
            let answer = ask(&proxy, path, &[header]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            let text = answer.text().await;
            assert!(text.contains("CLAUDE_CODE_OAUTH_TOKEN") && !text.contains("secret"), "{text}");
        }
    }
    assert_eq!(asked(&simulator).len(), 0);
}

/// Behind a backend with a key of the server's own, the caller's goes nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_own_key_is_for_its_backend_alone() {
    let simulator = Simulator::start().await.unwrap();
    let main = json!({ "kind": "anthropic", "base_url": simulator.url(), "api_key": "sim-key" });
    let proxy = Proxy::with(json!({ "backends": { "main": main } })).await;
    assert_eq!(ask(&proxy, "/v1/messages", &[("x-api-key", "own")]).await.status, StatusCode::OK);
    let sent = asked(&simulator).pop().unwrap();
    assert_eq!(sent.header("x-api-key"), Some("sim-key"));
    assert!(!format!("{:?}", sent.headers).contains("\"own\""));
}
