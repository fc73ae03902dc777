//! Endpoints, headers and bodies as a whole.

use crate::client::{USUAL, get, on, request, says, send, user, with};
use serde_json::json;
use simulator::{Settings, Simulator};

#[tokio::test]
async fn headers_are_checked() {
    let simulator =
        Simulator::start_with(Settings { key: Some("right".into()), ..Settings::default() }).await.unwrap();
    let (json, version) = (("content-type", "application/json"), ("anthropic-version", "2026-10-21"));
    let body = says("hi").to_string();
    for (headers, status) in [
        (vec![json, version, ("x-api-key", "right")], 200),
        (vec![json, version, ("authorization", "Bearer right")], 200),
        (vec![json, version, ("x-api-key", "wrong")], 401),
        (vec![json, version], 401),
        (vec![json, ("x-api-key", "right")], 400),
        (vec![json, ("x-api-key", "right"), ("anthropic-version", "2024-01-01")], 400),
        (vec![version, ("x-api-key", "right")], 400),
    ] {
        let answer = request(&simulator, "POST", "/v1/messages", &headers, body.clone()).await.unwrap();
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.header("x-should-retry"), if status == 401 { "false" } else { "" });
    }
    let sampled = on("claude-haiku-4-5", with(says("hi"), "temperature", 0.5)).to_string();
    let headers = [json, version, ("x-api-key", "right")];
    let answer = request(&simulator, "POST", "/v1/messages", &headers, sampled).await.unwrap();
    assert_eq!(answer.json().await["error"]["message"], "temperature: Extra inputs are not permitted");
}

#[tokio::test]
async fn other_endpoints_answer_as_the_api_does() {
    let simulator = Simulator::start().await.unwrap();
    let count = json!({"model": "claude-haiku-4-5", "messages": [user("12345678")]});
    let path = "/v1/messages/count_tokens?beta=true";
    let counted = request(&simulator, "POST", path, USUAL, count.to_string()).await.unwrap().json().await;
    let message = send(&simulator, &with(count, "max_tokens", 9)).await.json().await;
    assert_eq!(counted["input_tokens"], message["usage"]["input_tokens"]);
    assert_eq!(message["model"], "claude-haiku-4-5-20251001");

    assert_eq!(get(&simulator, "/v1/models").await.json().await["data"][0]["type"], "model");
    assert_eq!(get(&simulator, "/v1/models/claude-sonnet-5-5").await.json().await["id"], "claude-sonnet-5-5");
    assert_eq!(request(&simulator, "HEAD", "/", &[], "").await.unwrap().status, 200);
    for (method, path, status) in [
        ("GET", "/v1/models/claude-3-sonnet-20240229", 404),
        ("GET", "/v1/files", 404),
        ("GET", "/v1/messages", 405),
    ] {
        let answer = request(&simulator, method, path, USUAL, "").await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.json().await["type"], "error");
    }
    assert_eq!(send(&simulator, &on("claude-3-sonnet-20240229", says("hi"))).await.status, 404);
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large_are_refused() {
    let simulator = Simulator::start().await.unwrap();
    let answer = request(&simulator, "POST", "/v1/messages", USUAL, "{\"model\": ").await.unwrap();
    assert!(
        answer.json().await["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("The request body is not valid JSON")
    );
    let huge = format!("{{\"model\": \"{}\"}}", "x".repeat(33 << 20));
    if let Some(answer) = request(&simulator, "POST", "/v1/messages", USUAL, huge).await {
        assert_eq!(answer.json().await["error"]["type"], "request_too_large");
    }
    assert_eq!(simulator.requests().last().unwrap().status, Some(413));
}
