//! What is kept of each exchange, and what the operator is told of it.

use std::time::Duration;

use http::Method;
use policy::keys::KeyHash;
use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Answer, Proxy, anthropic_request, chat_request};

pub(crate) const ADMIN: (&str, &str) = ("authorization", "Bearer the-operators-token");

/// A server with an operator and these settings.
pub(crate) async fn operated(mut settings: Value) -> Proxy {
    settings["admin"] = json!({ "token": "the-operators-token" });
    Proxy::with(settings).await
}

async fn usage(proxy: &Proxy, query: &str) -> Value {
    let answer = proxy.get(&format!("/admin/usage?{query}"), &[ADMIN]).await;
    assert_eq!(answer.status, 200);
    answer.json().await
}

/// The sums, once so many exchanges are in them.
pub(crate) async fn total(proxy: &Proxy, requests: u64) -> Value {
    for _ in 0..200 {
        let total = usage(proxy, "by=key").await["total"].clone();
        if total["requests"] == requests {
            return total;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} instead of {requests} requests", usage(proxy, "by=key").await["total"]["requests"]);
}

fn tokens(total: &Value) -> (u64, u64) {
    (total["input_tokens"].as_u64().unwrap(), total["output_tokens"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exchange_is_a_row_with_its_tokens_and_cost_in_every_dialect() {
    let proxy = operated(json!({})).await;
    proxy.simulator.script(turn().text("x").usage(1000, 500).times(5));
    for stream in [false, true] {
        proxy.messages("hi", stream).await.text().await;
        proxy.chat("hi", stream).await.text().await;
    }
    let body = json!({ "model": "claude-sonnet-5-5", "input": "hi" }).to_string();
    proxy.post("/v1/responses", &[], body).await.text().await;
    let total = total(&proxy, 5).await;
    assert_eq!(tokens(&total), (5000, 2500));
    // Two dollars a million in, ten out.
    assert_eq!(total["cost_usd"], json!(5.0 * (0.002 + 0.005)));
    assert_eq!(
        (&total["errors"], &total["estimated"], &total["unpriced"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let models = usage(&proxy, "by=model&since=1h").await;
    assert_eq!(
        (&models["data"][0]["model"], models["data"].as_array().unwrap().len()),
        (&json!("claude-sonnet-5-5"), 1)
    );
    assert_eq!(usage(&proxy, "by=backend&key=local").await["data"][0]["backend"], "anthropic");
    assert_eq!(usage(&proxy, "until=1h").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_choices_are_one_row_with_the_tokens_of_all() {
    let proxy = operated(json!({})).await;
    proxy.simulator.script(turn().text("x").usage(11, 7).times(6));
    for stream in [false, true] {
        let mut body = chat_request("hi", stream);
        body["n"] = json!(3);
        proxy.post("/v1/chat/completions", &[], body.to_string()).await.text().await;
    }
    assert_eq!(tokens(&total(&proxy, 2).await), (66, 42));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_has_the_last_usage_that_was_told_and_says_so() {
    let proxy = operated(json!({})).await;
    proxy.simulator.script(turn().text("one").hold().text("two").usage(40, 90).times(2));
    let mut hung_up = proxy.messages("hi", true).await;
    hung_up.expect("one").await;
    drop(hung_up);
    let mut hung_up = proxy.chat("hi", true).await;
    hung_up.expect("one").await;
    drop(hung_up);
    proxy.simulator.script(turn().text("one").cut().usage(40, 90));
    proxy.messages("hi", true).await.text().await;
    let total = total(&proxy, 3).await;
    // `message_start` tells one token of output.
    assert_eq!((tokens(&total), &total["estimated"]), ((120, 3), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_and_failed_requests_are_rows_without_tokens() {
    let keys = json!([{ "name": "anna", "key": KeyHash::of("right").to_string(),
        "limits": { "endpoints": ["/v1/messages"] } }]);
    let proxy = operated(json!({ "auth": { "api_keys": keys } })).await;
    let with_key = [("x-api-key", "right"), ("anthropic-version", "2023-06-01")];
    proxy.simulator.script(turn().error(529));
    let failed = proxy.post("/v1/messages", &with_key, anthropic_request("hi", false).to_string()).await;
    assert_eq!(failed.status, 529);
    let malformed = proxy.post("/v1/messages", &with_key, "[").await;
    assert_eq!(malformed.status, 400);
    let elsewhere =
        proxy.post("/v1/chat/completions", &with_key, chat_request("hi", false).to_string()).await;
    assert_eq!(elsewhere.status, 403);
    let stranger = proxy.post("/v1/messages", &[("x-api-key", "wrong")], "{}").await;
    assert_eq!(stranger.status, 401);
    let total = total(&proxy, 3).await;
    assert_eq!((tokens(&total), &total["errors"], &total["estimated"]), ((0, 0), &json!(3), &json!(0)));
    assert_eq!(usage(&proxy, "key=anna").await["data"][0]["name"], "anna");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_survives_the_server() {
    let proxy = operated(json!({})).await;
    proxy.messages("hi", false).await.text().await;
    let before = total(&proxy, 1).await;
    let data_dir = std::sync::Arc::clone(&proxy.data_dir);
    let mut first = proxy;
    first.stop();
    first.stopped().await;
    let next = Proxy::over(data_dir, json!({ "admin": { "token": "the-operators-token" } })).await;
    assert_eq!(total(&next, 1).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_is_told_and_questions_are_checked() {
    let keys = json!({ "api_keys": [KeyHash::of("right").to_string()] });
    let proxy = operated(json!({ "auth": keys })).await;
    for path in ["/admin/usage", "/admin/keys"] {
        assert_eq!(proxy.get(path, &[]).await.status, 401, "{path}");
        assert_eq!(proxy.get(path, &[("x-api-key", "right")]).await.status, 403, "{path}");
        assert_eq!(proxy.get(path, &[ADMIN]).await.status, 200, "{path}");
    }
    for (query, field) in [("by=color", "by"), ("since=soon", "since"), ("until=-1", "until")] {
        let answer = proxy.get(&format!("/admin/usage?{query}"), &[ADMIN]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json().await["error"]["param"], field);
    }
    let without = Proxy::start().await;
    assert_eq!(without.get("/admin/usage", &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_ledger_nothing_is_kept() {
    let proxy = operated(json!({ "usage": { "enabled": false } })).await;
    assert_eq!(proxy.messages("hi", false).await.status, 200);
    assert_eq!(proxy.get("/admin/usage", &[ADMIN]).await.status, 404);
    assert!(!proxy.data_dir.path().join("usage.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_prices_hold() {
    let prices = json!({ "claude-sonnet-*": { "input": 1000, "output": 0 } });
    let proxy = operated(json!({ "prices": prices })).await;
    proxy.simulator.script(turn().text("x").usage(1000, 500));
    proxy.messages("hi", false).await.text().await;
    assert_eq!(total(&proxy, 1).await["cost_usd"], json!(1.0));
}

/// What a key sends and gets.
pub(crate) async fn ask(proxy: &Proxy, key: &str) -> Answer {
    let headers = [("x-api-key", key), ("anthropic-version", "2023-06-01")];
    proxy.post("/v1/messages", &headers, anthropic_request("hi", false).to_string()).await
}

/// Makes a key by the admin API.
pub(crate) async fn issue(proxy: &Proxy, body: Value) -> Value {
    let answer = proxy.post("/admin/keys", &[ADMIN], body.to_string()).await;
    assert_eq!(answer.status, 201);
    answer.json().await
}

/// Changes a key by the admin API.
pub(crate) async fn change(proxy: &Proxy, method: Method, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [ADMIN, ("content-type", "application/json")];
    proxy.send(method, &format!("/admin/keys/{path}"), &headers, body.into()).await
}
