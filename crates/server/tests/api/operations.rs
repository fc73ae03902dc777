//! Health, readiness and metrics.

use std::time::Duration;

use simulator::turn;

use crate::support::Proxy;

async fn becomes_ready(proxy: &Proxy) {
    for _ in 0..100 {
        if proxy.get("/health/ready", &[]).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never ready: {}", proxy.get("/health/ready", &[]).await.text().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_once_the_backend_answers() {
    let proxy = Proxy::start().await;
    becomes_ready(&proxy).await;
    let health = proxy.get("/health", &[]).await.json().await;
    assert_eq!(health["status"], "ok");
    assert_eq!(health["backends"]["anthropic"]["state"], "ok");
    assert!(health["uptime_seconds"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_told_with_the_remedy() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().error(401));
    assert_eq!(proxy.messages("hi", false).await.status, 401);
    let answer = proxy.get("/health/ready", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().await.contains("ANTHROPIC_API_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_tokens_and_time() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("x").usage(11, 7));
    proxy.messages("hi", true).await.bytes().await;
    proxy.simulator.script(turn().text("x").usage(100, 50));
    proxy.chat("hi", false).await.bytes().await;
    let metrics = proxy.metrics().await;
    for line in [
        r#"ccp_requests_total{dialect="anthropic",backend="anthropic",model="claude-sonnet-5-5",status="200"} 1"#,
        r#"ccp_requests_total{dialect="openai-chat",backend="anthropic",model="claude-sonnet-5-5",status="200"} 1"#,
        r#"ccp_tokens_total{backend="anthropic",model="claude-sonnet-5-5",kind="input"} 111"#,
        r#"ccp_tokens_total{backend="anthropic",model="claude-sonnet-5-5",kind="output"} 57"#,
        "ccp_active_streams 0",
        "ccp_overhead_seconds_count 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains("ccp_time_to_first_token_seconds_bucket"));
    assert!(metrics.contains("ccp_request_duration_seconds_bucket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_backend_served_do_not_fill_the_metrics() {
    let proxy = Proxy::start().await;
    for number in 0..5 {
        let mut body = crate::support::chat_request("hi", false);
        body["model"] = format!("made-up-{number}").into();
        assert!(proxy.post("/v1/chat/completions", &[], body.to_string()).await.status.is_client_error());
    }
    let metrics = proxy.metrics().await;
    assert!(!metrics.contains("made-up"), "{metrics}");
    assert!(metrics.contains(r#"model="other""#));
}
