//! What a client sees when the upstream fails, and what the upstream sees when a client does.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::turn;

use crate::support::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_ends_with_an_error_and_never_looks_complete() {
    let proxy = Proxy::start().await;
    for script in [|| turn().text("one two").cut(), || turn().text("one two").close()] {
        proxy.simulator.script(script());
        let text = proxy.messages("hi", true).await.text().await;
        assert!(text.contains("event: error\n") && text.contains("api_error"), "{text}");
        assert!(!text.contains("message_stop"));
        assert!(text.ends_with("\n\n"));

        proxy.simulator.script(script());
        let text = proxy.chat("hi", true).await.text().await;
        assert!(text.contains("data: {\"error\":"), "{text}");
        assert!(!text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_event_of_the_upstream_reaches_the_client_once() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").stream_error("overloaded_error", "Overloaded"));
    let text = proxy.messages("hi", true).await.text().await;
    assert_eq!(text.matches("event: error").count(), 1, "{text}");
    proxy.simulator.script(turn().text("one").stream_error("overloaded_error", "Overloaded"));
    let text = proxy.chat("hi", true).await.text().await;
    assert_eq!(text.matches("data: {\"error\":").count(), 1, "{text}");
    assert!(text.contains("Overloaded") && !text.contains("[DONE]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_answer_that_is_cut_is_a_502() {
    let proxy = Proxy::start().await;
    for path in ["/v1/messages", "/v1/chat/completions"] {
        proxy.simulator.script(turn().text("one two three").cut());
        let body = crate::support::anthropic_request("hi", false).to_string();
        let answer = proxy.post(path, &[("anthropic-version", "2023-06-01")], body).await;
        assert_eq!(answer.status, 502, "{path}");
        assert!(answer.json().await["error"]["message"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_of_the_upstream_is_a_504_or_an_error_in_the_stream() {
    let proxy = Proxy::with(json!({ "claude": { "timeout": 0.3, "response_timeout": 0.5 } })).await;
    proxy.simulator.script(turn().stall());
    let answer = proxy.messages("hi", false).await;
    assert_eq!(answer.status, 504);
    let body = answer.json().await;
    assert_eq!(body["error"]["type"], "timeout_error");
    assert!(body["error"]["message"].as_str().unwrap().contains("claude.response_timeout"));

    proxy.simulator.script(turn().text("one").stall());
    let text = proxy.messages("hi", true).await.text().await;
    assert!(text.contains("timeout_error") && text.contains("claude.timeout"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_a_502() {
    let mut proxy = Proxy::start().await;
    proxy.simulator = simulator::Simulator::start().await.unwrap();
    for (answer, kind) in
        [(proxy.messages("hi", true).await, "api_error"), (proxy.chat("hi", false).await, "server_error")]
    {
        assert_eq!(answer.status, 502);
        assert_eq!(answer.json().await["error"]["type"], kind);
    }
    assert_eq!(proxy.get("/health/ready", &[]).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_the_upstream_exchange() {
    let proxy = Proxy::start().await;
    for stream in [true, false] {
        proxy.simulator.script(turn().text("one").hold().text("two"));
        let began = if stream {
            let mut answer = proxy.messages("hi", true).await;
            answer.expect("one").await;
            drop(answer);
            Instant::now()
        } else {
            let request = proxy.messages("hi", false);
            tokio::time::timeout(Duration::from_millis(300), request).await.err().expect("the turn is held");
            Instant::now()
        };
        assert!(proxy.simulator.active_becomes(0, Duration::from_secs(1)).await, "stream: {stream}");
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    let metrics = proxy.metrics().await;
    assert!(metrics.contains("status=\"499\""), "{metrics}");
    assert!(
        metrics.contains("ccp_active_streams 0") && metrics.contains("ccp_active_requests 0"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_events_and_pings_pass_and_do_not_disturb_translation() {
    let proxy = Proxy::start().await;
    let script = || turn().ping().text("one").event("brand_new", json!({ "type": "brand_new" })).text("two");
    proxy.simulator.script(script());
    let text = proxy.messages("hi", true).await.text().await;
    assert!(text.contains("event: ping") && text.contains("event: brand_new"), "{text}");
    proxy.simulator.script(script());
    let text = proxy.chat("hi", true).await.text().await;
    assert!(text.contains("one") && text.contains("two") && text.ends_with("data: [DONE]\n\n"), "{text}");
}
