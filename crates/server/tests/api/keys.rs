//! Keys that are made while the server runs.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use server::issued::{Wanted, create};
use store::SqliteKeys;

use crate::ledger::{ADMIN, ask, change, issue, operated, total};
use crate::support::{Proxy, chat_request};

fn key_of(issued: &Value) -> &str {
    issued["key"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_at_once_is_shown_once_and_is_kept_as_its_hash() {
    let proxy = operated(json!({})).await;
    let issued = issue(&proxy, json!({ "name": "anna" })).await;
    assert!(key_of(&issued).starts_with("ccp_") && issued["id"].as_str().unwrap().starts_with("key_"));
    assert_eq!(ask(&proxy, key_of(&issued)).await.status, 200);
    assert_eq!(ask(&proxy, "ccp_another").await.status, 401);
    let listed = proxy.get("/admin/keys", &[ADMIN]).await.text().await;
    assert!(listed.contains("anna") && !listed.contains(key_of(&issued)) && !listed.contains("sha256"));
    for file in ["keys.sqlite", "keys.sqlite-wal"] {
        let bytes = std::fs::read(proxy.data_dir.path().join(file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(key_of(&issued)), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_opens_no_more_from_the_next_request_on() {
    let proxy = operated(json!({})).await;
    let issued = issue(&proxy, json!({ "name": "anna" })).await;
    assert_eq!(ask(&proxy, key_of(&issued)).await.status, 200);
    assert_eq!(change(&proxy, Method::DELETE, "anna", &Value::Null).await.json().await["state"], "revoked");
    let refused = ask(&proxy, key_of(&issued)).await;
    assert_eq!((refused.status.as_u16(), refused.header("x-should-retry")), (401, "false"));
    assert!(refused.json().await["error"]["message"].as_str().unwrap().contains("was revoked"));
    assert_eq!(change(&proxy, Method::DELETE, "anna", &Value::Null).await.status, 404);
    // Both are rows of hers.
    assert_eq!(total(&proxy, 2).await["errors"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_keeps_what_is_its_own_and_the_old_one_ends_with_its_grace() {
    let proxy = operated(json!({})).await;
    let first = issue(&proxy, json!({ "name": "anna" })).await;
    let bearer = |key: &str| format!("Bearer {key}");
    let body = json!({ "model": "claude-sonnet-5-5", "input": "hi" }).to_string();
    let made =
        proxy.post("/v1/responses", &[("authorization", &bearer(key_of(&first)))], body).await.json().await;
    let second =
        change(&proxy, Method::POST, "anna/rotate", &json!({ "grace_seconds": 60 })).await.json().await;
    assert_eq!(second["id"], first["id"]);
    assert_eq!(ask(&proxy, key_of(&first)).await.status, 200, "it works on for its grace");
    let path = format!("/v1/responses/{}", made["id"].as_str().unwrap());
    let found = proxy.get(&path, &[("authorization", &bearer(key_of(&second)))]).await;
    assert_eq!(found.status, 200, "what the key made is found by the new one");
    let third = change(&proxy, Method::POST, "anna/rotate", &Value::Null).await.json().await;
    for (key, status) in [(&second, 401), (&first, 401), (&third, 200)] {
        assert_eq!(ask(&proxy, key_of(key)).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_another_program_is_seen_within_a_second() {
    let proxy = operated(json!({})).await;
    let beside = SqliteKeys::open(proxy.data_dir.path(), Duration::from_secs(10)).unwrap();
    let made = create(&beside, Wanted { name: "ben".into(), ..Wanted::default() }).await.unwrap();
    let within_a_second = async |status: u16| {
        for _ in 0..50 {
            if ask(&proxy, made.key.expose()).await.status == status {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    };
    assert!(within_a_second(200).await);
    server::issued::revoke(&beside, "ben").await.unwrap();
    assert!(within_a_second(401).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_do_what_it_was_made_for_and_nothing_else() {
    let proxy = operated(json!({})).await;
    let limits = json!({ "models": ["claude-haiku-*"], "endpoints": ["/v1/chat/*", "/v1/models*"] });
    let issued = issue(&proxy, json!({ "name": "anna", "limits": limits })).await;
    let headers = [("authorization", format!("Bearer {}", key_of(&issued)))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let chat = async |model: &str| {
        let mut body = chat_request("hi", false);
        body["model"] = json!(model);
        proxy.post("/v1/chat/completions", &headers, body.to_string()).await
    };
    assert_eq!(chat("claude-haiku-5-5").await.status, 200);
    assert_eq!(chat("haiku").await.status, 200, "by the name of what serves");
    let refused = chat("claude-opus-5-5").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-should-retry")), (403, "false"));
    let told = refused.json().await;
    assert_eq!(told["error"]["param"], "model");
    assert!(told["error"]["message"].as_str().unwrap().contains("claude-haiku-*"));
    assert_eq!(ask(&proxy, key_of(&issued)).await.status, 403);
    assert_eq!(proxy.get("/v1/models", &headers).await.status, 200);
    assert_eq!(proxy.get("/health", &headers).await.status, 200, "probes are everybody's");
    assert_eq!(proxy.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_says_so() {
    let proxy = operated(json!({})).await;
    let soon = std::time::SystemTime::now() + Duration::from_secs(2);
    let expires_at = humantime::format_rfc3339_seconds(soon).to_string();
    let issued = issue(&proxy, json!({ "name": "anna", "expires_at": expires_at })).await;
    assert_eq!(ask(&proxy, key_of(&issued)).await.status, 200);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let refused = ask(&proxy, key_of(&issued)).await;
    assert_eq!(refused.status, 401);
    assert!(refused.json().await["error"]["message"].as_str().unwrap().contains("has expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_meant_is_refused_by_its_field() {
    let proxy = operated(json!({})).await;
    issue(&proxy, json!({ "name": "anna" })).await;
    for (body, field) in [
        (json!({}), ""),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "anna" }), "name"),
        (json!({ "name": "b", "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "name": "b", "limits": { "tokens_per_minute": 0 } }), "limits.tokens_per_minute"),
        (json!({ "name": "b", "limits": { "rpm": 1 } }), "limits.rpm"),
        (json!({ "name": "b", "key": "mine" }), "key"),
    ] {
        let answer = proxy.post("/admin/keys", &[ADMIN], body.to_string()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json().await["error"]["param"].as_str().unwrap_or_default(), field, "{body}");
    }
    assert_eq!(change(&proxy, Method::POST, "nobody/rotate", &Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn issued_keys_are_there_at_the_next_start_before_the_first_request() {
    let proxy = operated(json!({})).await;
    let issued = issue(&proxy, json!({ "name": "anna" })).await;
    let data_dir = std::sync::Arc::clone(&proxy.data_dir);
    let mut first = proxy;
    first.stop();
    first.stopped().await;
    let next = Proxy::over(data_dir, json!({})).await;
    assert_eq!(ask(&next, key_of(&issued)).await.status, 200);
    assert_eq!(next.messages("hi", false).await.status, 401, "every caller needs a key");
}
