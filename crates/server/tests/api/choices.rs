//! Several answers to one request.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Proxy, chat_request};

const CHAT: &str = "/v1/chat/completions";

fn request(n: u32, stream: bool) -> String {
    let mut body = chat_request("hi", stream);
    body["n"] = json!(n);
    body["stream_options"] = json!({ "include_usage": true });
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_choice_is_a_call_and_usage_is_theirs_together() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("x").usage(11, 7).times(3));
    let answer = proxy.post(CHAT, &[], request(3, false)).await.json().await;
    let indices: Vec<&Value> =
        answer["choices"].as_array().unwrap().iter().map(|choice| &choice["index"]).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_eq!(
        (&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]),
        (&json!(33), &json!(21))
    );
    assert_eq!(proxy.asked().len(), 3);
    let metrics = proxy.metrics().await;
    assert!(metrics.lines().any(|line| line.contains("output") && line.ends_with(" 21")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_interleaved_as_their_deltas_come() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().texts(["one "]).hold().texts(["two"]).times(2));
    let mut answer = proxy.post(CHAT, &[], request(2, true)).await;
    let mut seen = String::new();
    while seen.matches("\"one \"").count() < 2 {
        seen.push_str(&answer.expect("data: ").await);
    }
    assert!(!seen.contains("two"), "both have begun before either goes on: {seen}");
    proxy.simulator.release();
    let rest = answer.text().await;
    assert_eq!(rest.matches("\"two\"").count(), 2, "{rest}");
    assert_eq!(rest.matches("\"finish_reason\":\"stop\"").count(), 2);
    assert_eq!(rest.matches("\"total_tokens\"").count(), 1);
    assert!(rest.ends_with("data: [DONE]\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_choice_that_fails_ends_them_all() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("x"));
    proxy.simulator.script(turn().error(529).header("retry-after", "3"));
    let answer = proxy.post(CHAT, &[], request(2, false)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "3"));

    proxy.simulator.script(turn().text("x").hold());
    proxy.simulator.script(turn().text("y").cut());
    let text = proxy.post(CHAT, &[], request(2, true)).await.text().await;
    assert_eq!(text.matches("data: {\"error\":").count(), 1, "{text}");
    assert!(!text.contains("[DONE]"));
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(10)).await, "the other call is ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_every_call() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two").times(3));
    let mut answer = proxy.post(CHAT, &[], request(3, true)).await;
    answer.expect("one").await;
    drop(answer);
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(10)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_choices_than_configured_are_refused() {
    let proxy = Proxy::with(json!({ "openai": { "max_choices": 2 } })).await;
    let answer = proxy.post(CHAT, &[], request(3, false)).await;
    assert_eq!(answer.status, 400);
    let body = answer.json().await;
    assert_eq!(body["error"]["param"], "n");
    assert!(body["error"]["message"].as_str().unwrap().contains("openai.max_choices"));
    assert!(proxy.asked().is_empty());
}
