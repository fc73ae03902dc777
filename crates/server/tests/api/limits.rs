//! Requests and tokens per minute, requests at once, budgets.

use std::time::Duration;

use policy::keys::KeyHash;
use serde_json::{Value, json};
use simulator::turn;

use crate::ledger::{ask, issue, operated, total};
use crate::support::{Answer, Proxy, anthropic_request, chat_request};

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

/// A server with one key, `right`, that has these limits.
async fn limited(limits: Value) -> Proxy {
    let key = json!({ "name": "anna", "key": KeyHash::of("right").to_string(), "limits": limits });
    operated(json!({ "auth": { "api_keys": [key] } })).await
}

async fn chat(proxy: &Proxy, stream: bool) -> Answer {
    let body = chat_request("hi", stream).to_string();
    proxy.post("/v1/chat/completions", &[("authorization", "Bearer right")], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_a_rate_of_its_own_in_place_of_the_usual_one() {
    let key = |name: &str, limits: Value| json!({ "name": name, "key": KeyHash::of(name).to_string(), "limits": limits });
    let keys = [key("many", json!({ "requests_per_minute": 60, "burst_size": 3 })), key("usual", json!({}))];
    let usual = json!({ "requests_per_minute": 60, "burst_size": 1 });
    let proxy = Proxy::with(json!({ "auth": { "api_keys": keys }, "rate_limiting": usual })).await;
    for (name, burst) in [("many", 3), ("usual", 1)] {
        for _ in 0..burst {
            assert_eq!(ask(&proxy, name).await.status, 200);
        }
        let refused = ask(&proxy, name).await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_reserved_told_and_given_back() {
    let proxy = limited(json!({ "tokens_per_minute": 1000 })).await;
    proxy.simulator.script(turn().text("x").usage(100, 50).cached(0, 5000).times(2));
    // Each reserves its 256 tokens of output and about 30 of input, and uses 150: the prompt cache is free.
    let first = ask(&proxy, "right").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-tokens"), "1000");
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining-tokens").parse::<u64>().unwrap();
    assert!((680..745).contains(&left(&first)), "{}", left(&first));
    let second = ask(&proxy, "right").await;
    assert!((530..620).contains(&left(&second)), "{}", left(&second));
    let mut large = anthropic_request("hi", false);
    large["max_tokens"] = json!(900);
    let headers = [("x-api-key", "right"), ("anthropic-version", "2023-06-01")];
    let refused = proxy.post("/v1/messages", &headers, large.to_string()).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("anthropic-ratelimit-tokens-limit"), "1000", "upstream was not asked");
    assert!((1..30).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    let told = refused.json().await["error"]["message"].to_string();
    assert!(told.contains("1000 tokens per minute") && told.contains("max_tokens"), "{told}");
    assert_eq!(proxy.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_held_until_the_last_byte_and_freed_by_a_hang_up() {
    let proxy = limited(json!({ "concurrent_requests": 1 })).await;
    proxy.simulator.script(turn().text("one").hold().text("two").times(2));
    let mut first = chat(&proxy, true).await;
    first.expect("one").await;
    let refused = chat(&proxy, false).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert!(refused.text().await.contains("no more may at once"));
    proxy.simulator.release();
    first.text().await;
    let mut second = chat(&proxy, true).await;
    assert_eq!(second.status, 200);
    second.expect("one").await;
    drop(second);
    for _ in 0..100 {
        if chat(&proxy, false).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place was not freed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_stops_new_requests_and_nobody_retries() {
    let proxy = limited(json!({ "daily_budget_usd": 0.01 })).await;
    proxy.simulator.script(turn().text("x").usage(1000, 500).times(9));
    // Each costs 0.7 cents.
    assert_eq!(ask(&proxy, "right").await.status, 200);
    assert_eq!(chat(&proxy, false).await.status, 200);
    let refused = ask(&proxy, "right").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-should-retry")), (402, "false"));
    let told = refused.json().await["error"].clone();
    assert_eq!(told["type"], "billing_error");
    assert!(
        told["message"].as_str().unwrap().contains("daily budget of this key ($0.01) is spent"),
        "{told}"
    );
    let refused = chat(&proxy, false).await;
    assert_eq!((refused.status.as_u16(), refused.header("x-should-retry")), (429, "false"));
    assert_eq!(refused.json().await["error"]["code"], "insufficient_quota");
    assert_eq!(proxy.asked().len(), 2);
    assert_eq!(total(&proxy, 4).await["cost_usd"], json!(0.014));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_goes_on_after_a_restart() {
    let proxy = operated(json!({})).await;
    let issued = issue(&proxy, json!({ "name": "anna", "limits": { "monthly_budget_usd": 0.005 } })).await;
    let key = issued["key"].as_str().unwrap();
    proxy.simulator.script(turn().text("x").usage(1000, 500));
    assert_eq!(ask(&proxy, key).await.status, 200);
    let data_dir = std::sync::Arc::clone(&proxy.data_dir);
    let mut first = proxy;
    first.stop();
    first.stopped().await;
    let next = Proxy::over(data_dir, json!({})).await;
    assert_eq!(ask(&next, key).await.status, 402);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_budget_a_model_that_nobody_has_a_price_for_is_refused() {
    let proxy = limited(json!({ "daily_budget_usd": 5 })).await;
    let mut body = anthropic_request("hi", false);
    body["model"] = json!("claude-opus-99");
    let refused = proxy.post("/v1/messages", &[("x-api-key", "right")], body.to_string()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().await.contains("`prices`"));
    assert_eq!(proxy.asked().len(), 0);
}
