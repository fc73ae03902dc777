//! Another configuration while requests run: those that began keep theirs, the next ones go by the new one, and what
//! outlives a configuration goes on.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use simulator::{Simulator, turn};

use crate::ledger::{ask, change, issue, operated};
use crate::support::{Proxy, anthropic_request};

fn only(name: &str, simulator: &Simulator) -> Value {
    json!({ "backends": { name: { "kind": "anthropic", "base_url": simulator.url(), "api_key": "sim-key" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_what_it_began_with_and_the_next_request_goes_by_the_new_configuration() {
    let (a, b) = (Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
    let proxy = Proxy::with(only("a", &a)).await;
    a.script(turn().text("one").hold().text("two"));
    let mut running = proxy.messages("hi", true).await;
    running.expect("one").await;

    proxy.reload(only("b", &b)).await;
    assert_eq!(proxy.messages("hi", false).await.header("x-backend"), "b");
    let health = proxy.get("/health", &[]).await.json().await;
    assert_eq!(health["backends"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);

    // Longer than a backend that was taken away is looked after at a time.
    tokio::time::sleep(Duration::from_millis(500)).await;
    a.release();
    assert_eq!(running.header("x-backend"), "a");
    let text = running.text().await;
    assert!(text.contains("two") && text.contains("message_stop"), "{text}");
    let metrics = proxy.metrics().await;
    for name in ["a", "b"] {
        assert!(
            metrics.contains(&format!(r#"ccp_attempts_total{{backend="{name}",outcome="answered"}} 1"#)),
            "{metrics}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_under_load_drop_no_request() {
    let (a, b) = (Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
    let proxy = Proxy::with(only("a", &a)).await;
    let clients = async {
        let one = async || {
            for _ in 0..20 {
                let answer = proxy.messages("[[sim n=5 gap=2]]", true).await;
                assert_eq!(answer.status, StatusCode::OK);
                let text = answer.text().await;
                assert!(text.contains("message_stop") && !text.contains("event: error"), "{text}");
            }
        };
        futures_util::future::join_all((0..8).map(|_| one())).await;
    };
    let changes = async {
        for round in 0.. {
            proxy.reload(if round % 2 == 0 { only("b", &b) } else { only("a", &a) }).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = clients => {}
        () = changes => {}
    }
    let served = |simulator: &Simulator| simulator.requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!(served(&a) + served(&b), 160);
    assert!(served(&a) > 0 && served(&b) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_has_spent_stays_spent_unless_the_limit_changes() {
    let limited = |rate: u32| json!({ "rate_limiting": { "requests_per_minute": rate, "burst_size": 1 } });
    let proxy = Proxy::with(limited(1)).await;
    assert_eq!(proxy.messages("hi", false).await.status, StatusCode::OK);
    proxy.reload(limited(1)).await;
    assert_eq!(proxy.messages("hi", false).await.status, StatusCode::TOO_MANY_REQUESTS);
    proxy.reload(limited(2)).await;
    assert_eq!(proxy.messages("hi", false).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_found_and_keys_are_taken_as_the_new_configuration_says() {
    let proxy = Proxy::start().await;
    let made = proxy.post("/v1/responses", &[], r#"{"model": "claude-sonnet-5-5", "input": "hi"}"#).await;
    let path = format!("/v1/responses/{}", made.json().await["id"].as_str().unwrap());
    proxy.reload(json!({})).await;
    assert_eq!(proxy.get(&path, &[]).await.status, StatusCode::OK);

    let key = "a-key-of-the-new-configuration";
    let hash = policy::keys::KeyHash::of(key).to_string();
    proxy.reload(json!({ "auth": { "api_keys": [hash] } })).await;
    assert_eq!(proxy.get(&path, &[]).await.status, StatusCode::UNAUTHORIZED);
    let body = anthropic_request("hi", false).to_string();
    assert_eq!(proxy.post("/v1/messages", &[("x-api-key", key)], body).await.status, StatusCode::OK);
}

/// A new gate knows which keys were issued before it lets anybody in, and hears of later changes.
#[tokio::test(flavor = "multi_thread")]
async fn issued_keys_and_what_they_have_spent_outlive_a_configuration() {
    let proxy = operated(json!({})).await;
    let issued =
        issue(&proxy, json!({ "name": "anna", "limits": { "requests_per_minute": 1, "burst_size": 2 } }))
            .await;
    let key = issued["key"].as_str().unwrap();
    assert_eq!(ask(&proxy, key).await.status, StatusCode::OK);
    proxy.reload(json!({ "admin": { "token": "the-operators-token" } })).await;
    assert_eq!(proxy.messages("hi", false).await.status, StatusCode::UNAUTHORIZED, "keys are still needed");
    assert_eq!(ask(&proxy, key).await.status, StatusCode::OK);
    assert_eq!(ask(&proxy, key).await.status, StatusCode::TOO_MANY_REQUESTS);
    change(&proxy, Method::DELETE, "anna", &Value::Null).await;
    assert_eq!(ask(&proxy, key).await.status, StatusCode::UNAUTHORIZED);
    proxy.reload(json!({})).await;
    assert_eq!(ask(&proxy, key).await.status, StatusCode::UNAUTHORIZED);
}
