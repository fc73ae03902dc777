//! Requests per minute.

use serde_json::json;

use crate::support::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_burst_a_caller_gets_429_and_learns_when_to_come_back() {
    let proxy = Proxy::with(json!({ "rate_limiting": { "requests_per_minute": 60, "burst_size": 2 } })).await;
    let first = proxy.chat("hi", false).await;
    assert_eq!(first.header("x-ratelimit-limit-requests"), "60");
    assert_eq!(first.header("x-ratelimit-remaining-requests"), "1");
    assert_eq!(proxy.messages("hi", false).await.status, 200);

    let refused = proxy.chat("hi", false).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), "0");
    let body = refused.json().await;
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    let refused = proxy.messages("hi", false).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("anthropic-ratelimit-requests-remaining"), "0");
    assert_eq!(refused.json().await["error"]["type"], "rate_limit_error");
    assert_eq!(proxy.simulator.requests().iter().filter(|sent| sent.method == "POST").count(), 2);
    assert_eq!(proxy.get("/health", &[]).await.status, 200, "probes are not limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_nothing_is_limited() {
    let proxy = Proxy::start().await;
    for _ in 0..30 {
        let answer = proxy.chat("hi", false).await;
        assert_eq!(answer.status, 200);
    }
}
