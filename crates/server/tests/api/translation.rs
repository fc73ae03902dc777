//! Chat completions over the Messages API.

use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Proxy, chat_request};

#[tokio::test(flavor = "multi_thread")]
async fn each_delta_reaches_the_client_before_the_next_is_sent() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().texts(["one "]).hold().texts(["two "]).hold().texts(["three"]));
    let mut answer = proxy.chat("hi", true).await;
    for piece in ["one ", "two "] {
        answer.expect(piece).await;
        proxy.simulator.release();
    }
    let rest = answer.text().await;
    assert!(rest.contains("three") && rest.ends_with("data: [DONE]\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_comes_last_and_only_when_asked_for() {
    let proxy = Proxy::start().await;
    let mut body = chat_request("hi", true);
    body["stream_options"] = json!({ "include_usage": true });
    proxy.simulator.script(turn().text("x").usage(11, 7).cached(5, 3));
    let text = proxy.post("/v1/chat/completions", &[], body.to_string()).await.text().await;
    let chunks: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], 19);
    assert_eq!(last["usage"]["completion_tokens"], 7);
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 3);
    proxy.simulator.script(turn().text("x"));
    assert!(!proxy.chat("hi", true).await.text().await.contains("prompt_tokens"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_error_gets_the_openai_shape_and_keeps_its_headers() {
    let proxy = Proxy::start().await;
    let cases =
        [(400, 400, "invalid_request_error"), (429, 429, "rate_limit_exceeded"), (529, 503, "server_error")];
    for (upstream, status, word) in cases {
        proxy.simulator.script(turn().error(upstream).message("just so").header("retry-after", "7"));
        let answer = proxy.chat("hi", true).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), "7");
        let body = answer.text().await;
        assert!(body.contains("just so") && body.contains(word), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_without_effect_are_named_or_refused() {
    let proxy = Proxy::start().await;
    let mut body = chat_request("hi", false);
    body["seed"] = json!(7);
    body["logit_bias"] = json!({});
    let answer = proxy.post("/v1/chat/completions", &[], body.to_string()).await;
    assert_eq!(answer.status, 200);
    let named = answer.header("x-ignored-parameters").to_owned();
    assert!(named.contains("seed") && named.contains("logit_bias"), "{named}");
    let answer = proxy.post("/v1/chat/completions", &[("x-strict", "true")], body.to_string()).await;
    assert_eq!(answer.status, 400);
    let answer = proxy.post("/v1/chat/completions", &[("x-strict", "maybe")], body.to_string()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_choose_the_model_and_the_answer_keeps_the_name_asked_for() {
    let proxy = Proxy::with(json!({ "openai": { "aliases": { "gpt-*": "claude-haiku-4-5" } } })).await;
    let mut body = chat_request("hi", false);
    body["model"] = json!("gpt-4o");
    let answer = proxy.post("/v1/chat/completions", &[], body.to_string()).await;
    assert_eq!(answer.header("x-model-served"), "claude-haiku-4-5");
    assert_eq!(answer.json().await["model"], "gpt-4o");
    assert_eq!(proxy.sent().json()["model"], "claude-haiku-4-5");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_in_the_callers_shape() {
    let proxy = Proxy::start().await;
    let list = proxy.get("/v1/models", &[]).await.json().await;
    assert_eq!(list["object"], "list");
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    let version = [("anthropic-version", "2023-06-01")];
    let list = proxy.get("/v1/models?limit=1", &version).await.json().await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["has_more"], true);
    assert_eq!(proxy.get(&format!("/v1/models/{id}"), &[]).await.json().await["object"], "model");
    assert_eq!(proxy.get(&format!("/v1/models/{id}"), &version).await.json().await["type"], "model");
    let list = proxy.get("/v1/models", &[]).await.json().await;
    let sonnet = list["data"].as_array().unwrap().iter().find(|model| model["id"] == "sonnet");
    assert!(
        sonnet.is_some_and(|sonnet| sonnet["max_input_tokens"].is_number()),
        "aliases are listed: {list}"
    );
    assert_eq!(proxy.get("/v1/models/sonnet", &version).await.json().await["id"], "sonnet");
    let missing = proxy.get("/v1/models/gpt-4o", &[]).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json().await["error"]["code"], "model_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_claude_has_not_is_a_404_that_says_so() {
    let proxy = Proxy::start().await;
    for path in [
        "embeddings",
        "audio/speech",
        "images/generations",
        "moderations",
        "fine_tuning/jobs",
        "batches",
        "assistants",
    ] {
        let answer = proxy.post(&format!("/v1/{path}"), &[], "{}").await;
        assert_eq!(answer.status, 404);
        let error = answer.json().await["error"].clone();
        assert!(error["message"].as_str().unwrap().starts_with("Claude has no "), "{error}");
        assert_eq!((&error["type"], &error["code"]), (&json!("invalid_request_error"), &json!("not_found")));
    }
}
