//! Answers that are given again: one call upstream for all that ask the same, and never an error or half an answer twice.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sha2::Digest;
use simulator::{Simulator, turn};

use crate::support::{Answer, Proxy, anthropic_request, chat_request};

const SOON: Duration = Duration::from_secs(5);

async fn caching(more: Value) -> Proxy {
    let mut cache = json!({ "enabled": true });
    cache.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Proxy::with(json!({ "cache": cache })).await
}

fn x_cache(answer: &Answer) -> &str {
    answer.header("x-cache")
}

async fn ask(proxy: &Proxy, body: &Value, headers: &[(&str, &str)]) -> Answer {
    proxy.post("/v1/chat/completions", headers, body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_two_equal_requests_gets_the_first_ones_answer() {
    let proxy = caching(json!({})).await;
    for stream in [false, true] {
        let (first, second) = (proxy.messages("hi", stream).await, proxy.messages("hi", stream).await);
        assert_eq!((x_cache(&first), x_cache(&second)), ("miss", "hit"));
        assert_eq!((first.header("age"), second.header("age")), ("", "0"));
        assert_eq!(first.header("content-type"), second.header("content-type"));
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
        assert_eq!(first.header("x-backend"), second.header("x-backend"));
        assert_eq!(first.bytes().await, second.bytes().await);
        let (first, second) = (proxy.chat("hi", stream).await, proxy.chat("hi", stream).await);
        assert_eq!((x_cache(&first), x_cache(&second)), ("miss", "hit"));
        assert_eq!(first.bytes().await, second.bytes().await);
    }
    assert_eq!(proxy.asked().len(), 4);
    let metrics = proxy.metrics().await;
    assert!(metrics.contains("ccp_cache_requests_total{result=\"hit\"} 4"), "{metrics}");
    assert!(metrics.contains("ccp_cache_requests_total{result=\"miss\"} 4"), "{metrics}");
    assert!(!metrics.contains("ccp_cached_bytes 0\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_equal_requests_at_once_are_one_call_upstream() {
    for stream in [false, true] {
        let proxy = caching(json!({})).await;
        proxy.simulator.script(turn().texts(["one ", "two"]).gap(50));
        let answers = join_all((0..1000).map(|_| async {
            let answer = proxy.chat("hi", stream).await;
            assert_eq!(answer.status, 200);
            (x_cache(&answer) == "miss", answer.bytes().await)
        }))
        .await;
        assert_eq!(proxy.asked().len(), 1);
        assert_eq!(answers.iter().filter(|(missed, _)| *missed).count(), 1);
        assert!(answers.iter().all(|(_, body)| *body == answers[0].1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_followed_while_it_is_made_and_outlives_the_one_who_asked_first() {
    let proxy = caching(json!({})).await;
    proxy.simulator.script(turn().text("begin").hold().text("end"));
    let mut first = proxy.messages("hi", true).await;
    first.expect("begin").await;
    let mut second = proxy.messages("hi", true).await;
    assert_eq!(x_cache(&second), "hit");
    second.expect("begin").await;
    drop(first);
    proxy.simulator.release();
    assert!(second.text().await.contains("message_stop"));
    let third = proxy.messages("hi", true).await;
    assert_eq!((x_cache(&third), proxy.asked().len()), ("hit", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_have_hung_up_the_call_upstream_ends_and_nothing_is_kept() {
    let proxy = caching(json!({})).await;
    proxy.simulator.script(turn().text("begin").hold().text("end"));
    let (mut first, mut second) = (proxy.messages("hi", true).await, proxy.messages("hi", true).await);
    first.expect("begin").await;
    second.expect("begin").await;
    drop((first, second));
    assert!(proxy.simulator.active_becomes(0, SOON).await);
    let again = proxy.messages("hi", true).await;
    assert_eq!((again.status.as_u16(), x_cache(&again)), (200, "miss"));
    assert!(again.text().await.contains("message_stop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_answers_that_broke_off_are_not_kept() {
    let proxy = caching(json!({})).await;
    proxy.simulator.scripts([turn().error(529), turn().text("half").cut(), turn().text("half").cut()]);
    let refused = proxy.messages("hi", false).await;
    assert_eq!((refused.status.as_u16(), x_cache(&refused)), (529, "miss"));
    for _ in 0..2 {
        let broken = proxy.messages("hi", true).await;
        assert_eq!(x_cache(&broken), "miss");
        assert!(broken.text().await.contains("event: error"));
    }
    assert_eq!(x_cache(&proxy.messages("hi", true).await), "miss");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_says_whether_an_old_answer_will_do() {
    let proxy = caching(json!({ "ttl": 60 })).await;
    let body = chat_request("hi", false);
    let asked = async |control: &str| {
        let answer = ask(&proxy, &body, &[("cache-control", control)]).await;
        (x_cache(&answer).to_owned(), answer.json().await["id"].clone())
    };
    let (_, unseen) = asked("no-store").await;
    let (missed, first) = asked("max-age=60").await;
    assert!(missed == "miss" && first != unseen, "an answer of no-store is not kept");
    assert_eq!(asked("max-age=60").await, ("hit".into(), first.clone()));
    let (missed, second) = asked("no-cache").await;
    assert!(missed == "miss" && second != first);
    assert_eq!(asked("").await, ("hit".into(), second.clone()));
    assert_eq!(asked("no-store").await.0, "");
    assert_eq!(asked("").await.1, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_answers_are_forgotten_after_their_time() {
    let proxy = caching(json!({ "ttl": 0.3 })).await;
    let first = proxy.chat("hi", false).await;
    assert_eq!(x_cache(&first), "miss");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(x_cache(&proxy.chat("hi", false).await), "miss");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_tools_and_responses_that_are_kept_pass_it_by() {
    let proxy = caching(json!({})).await;
    let tool = json!({ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } });
    let mut with_tool = chat_request("hi", false);
    with_tool["tools"] = json!([tool]);
    let response = |store: bool| json!({ "model": "claude-sonnet-5-5", "input": "hi", "store": store });
    for _ in 0..2 {
        assert_eq!(x_cache(&ask(&proxy, &with_tool, &[]).await), "");
        let kept = proxy.post("/v1/responses", &[], response(true).to_string()).await;
        assert_eq!((kept.status.as_u16(), x_cache(&kept)), (200, ""));
    }
    let free = async || proxy.post("/v1/responses", &[], response(false).to_string()).await;
    let (first, second) = (free().await, free().await);
    assert_eq!((x_cache(&first), x_cache(&second)), ("miss", "hit"));
    let proxy = caching(json!({ "tools": true })).await;
    assert_eq!(x_cache(&ask(&proxy, &with_tool, &[]).await), "miss");
    assert_eq!(x_cache(&ask(&proxy, &with_tool, &[]).await), "hit");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_keys_answers_are_not_anothers_unless_that_is_wanted() {
    for (shared, expected) in [(false, "miss"), (true, "hit")] {
        let named = |name: &str| {
            let hash = sha2::Sha256::digest(name);
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "name": name, "key": format!("sha256:{hex}") })
        };
        let proxy = Proxy::with(json!({
            "cache": { "enabled": true, "shared": shared },
            "auth": { "api_keys": [named("first-key"), named("second-key")] },
        }))
        .await;
        let body = anthropic_request("hi", false).to_string();
        let ask = async |key: &str| proxy.post("/v1/messages", &[("x-api-key", key)], body.clone()).await;
        assert_eq!(x_cache(&ask("first-key").await), "miss");
        assert_eq!(x_cache(&ask("second-key").await), expected);
        assert_eq!(x_cache(&ask("first-key").await), "hit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_is_none() {
    let proxy = Proxy::start().await;
    for _ in 0..2 {
        assert_eq!(x_cache(&proxy.chat("hi", false).await), "");
    }
    assert_eq!(proxy.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_model_answered_in_its_place_is_not_kept() {
    let (a, b) = (Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
    let api = |url: String| json!({ "kind": "anthropic", "base_url": url, "api_key": "sim-key" });
    let spare = json!({ "backend": "b", "model": "claude-haiku-4-5" });
    let proxy = Proxy::with(json!({
        "cache": { "enabled": true },
        "backends": { "a": api(a.url()), "b": api(b.url()) },
        "routing": { "routes": [{ "models": ["*"], "targets": ["a", spare] }] },
    }))
    .await;
    a.script(turn().error(529));
    for expected in [("b", "miss"), ("a", "miss"), ("a", "hit")] {
        let answer = proxy.chat("hi", false).await;
        assert_eq!((answer.header("x-backend"), x_cache(&answer)), expected);
    }
}
