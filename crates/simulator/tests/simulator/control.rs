//! The control endpoints, as tests in other languages use them.

use crate::client::{get, request, says, send, streams};
use serde_json::{Value, json};
use simulator::Simulator;
use std::time::Duration;

async fn control(simulator: &Simulator, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(simulator, method, path, &[], body).await.expect("an answer").json().await
}

#[tokio::test]
async fn turns_can_be_queued_as_json() {
    let simulator = Simulator::start().await.unwrap();
    let turns = r#"[
        {"match": {"text": "beta"}, "steps": [{"text": "for beta"}]},
        {"steps": ["ping", {"text": ["a", "b"]}, {"pause_ms": 1}, {"thinking": "hm"},
            {"tool": {"name": "t", "input": {"z":1,"a":2}}}, {"redacted_thinking": "x"}],
         "usage": {"output_tokens": 9}, "headers": {"x-extra": "1"}, "gap_ms": 1, "chunk_bytes": 5}
    ]"#;
    let queued = request(&simulator, "POST", "/__sim/script", &[], turns).await.unwrap().json().await;
    assert_eq!(queued, json!({"queued": 2}));
    let answer = send(&simulator, &says("alpha")).await;
    assert_eq!(answer.header("x-extra"), "1");
    let text = answer.text().await;
    assert!(text.contains(r#""input":{"z":1,"a":2}"#), "{text}");
    let beta = send(&simulator, &says("a beta")).await.json().await;
    assert_eq!(beta["content"][0]["text"], "for beta");
}

#[tokio::test]
async fn a_turn_that_cannot_be_read_is_refused_with_the_reason() {
    let simulator = Simulator::start().await.unwrap();
    let answer = control(&simulator, "POST", "/__sim/script", &json!({"stepz": []})).await;
    assert!(answer["error"].as_str().unwrap().contains("stepz"));
    assert_eq!(simulator.scripts_left(), 0);
}

#[tokio::test]
async fn requests_are_shown_as_they_arrived() {
    let simulator = Simulator::start().await.unwrap();
    let body =
        r#"{ "model":"claude-sonnet-5-5", "max_tokens":  5,"messages":[{"role":"user","content":"hi"}] }"#;
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer b"),
        ("anthropic-version", "2026-10-21"),
    ];
    request(&simulator, "POST", "/v1/messages?beta=true", &headers, body).await.unwrap().text().await;
    send(&simulator, &json!({"model": "x"})).await.text().await;
    let shown = control(&simulator, "GET", "/__sim/requests", &Value::Null).await;
    let first = &shown[0];
    assert_eq!((&first["body"], &first["json"]["max_tokens"]), (&json!(body), &json!(5)));
    assert_eq!(
        (&first["query"], &first["headers"]["authorization"]),
        (&json!("beta=true"), &json!("Bearer b"))
    );
    assert_eq!((&first["status"], &first["ended"]), (&json!(200), &json!("complete")));
    assert!(first["ended_ms"].as_f64() >= first["started_ms"].as_f64());
    assert_eq!(shown[1]["status"], 400);
    assert_eq!(
        control(&simulator, "GET", "/__sim/requests?after=1", &Value::Null).await.as_array().unwrap().len(),
        1
    );
    control(&simulator, "DELETE", "/__sim/requests", &Value::Null).await;
    assert_eq!(control(&simulator, "GET", "/__sim/requests", &Value::Null).await, json!([]));
}

#[tokio::test]
async fn a_hold_shows_as_active_until_released() {
    let simulator = Simulator::start().await.unwrap();
    control(
        &simulator,
        "POST",
        "/__sim/script",
        &json!({"steps": [{"text": "one"}, "hold", {"text": "two"}]}),
    )
    .await;
    let mut answer = send(&simulator, &streams("go")).await;
    answer.until("one").await;
    assert_eq!(
        control(&simulator, "GET", "/__sim/active", &Value::Null).await,
        json!({"active": 1, "ids": [1]})
    );
    control(&simulator, "POST", "/__sim/release", &Value::Null).await;
    answer.until("message_stop").await;
    assert!(simulator.active_becomes(0, Duration::from_secs(1)).await);
}

#[tokio::test]
async fn other_endpoints_can_be_made_to_fail() {
    let simulator = Simulator::start().await.unwrap();
    control(
        &simulator,
        "POST",
        "/__sim/script",
        &json!({"match": {"path": "/v1/models"}, "http_error": {"status": 503}}),
    )
    .await;
    assert_eq!(get(&simulator, "/v1/models").await.status, 503);
    assert_eq!(get(&simulator, "/v1/models").await.status, 200);
}
