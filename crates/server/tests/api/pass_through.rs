//! The Anthropic dialect over an HTTP backend: bytes stay bytes, both ways.

use crate::support::{Proxy, anthropic_request};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;
use simulator::turn;

/// Long numbers, odd spacing, escapes, key order, unknown fields: what a parser and printer would change.
const ODD_BODY: &str = "{ \"messages\":[{\"content\" :\"h\\u00e9llo \\/ \u{2028}\",\"role\":\"user\"}],\t\
    \"max_tokens\": 64 ,\"metadata\":{\"user_id\":\"u-1\"},\"model\":\"claude-sonnet-5-5\",\"stream\": false }";

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_request_reaches_the_api_byte_for_byte() {
    let proxy = Proxy::start().await;
    let headers =
        [("anthropic-version", "2023-06-01"), ("anthropic-beta", "a-1,b-2"), ("anthropic-new", "kept")];
    let answer = proxy.post("/v1/messages?beta=true", &headers, ODD_BODY).await;
    assert_eq!(answer.status, 200);
    let sent = proxy.sent();
    assert_eq!(sent.body, ODD_BODY);
    assert_eq!(sent.query, "beta=true");
    for (name, value) in headers {
        assert_eq!(sent.header(name), Some(value));
    }
    assert_eq!(sent.header("x-api-key"), Some("sim-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_api_versions_are_forwarded_as_received() {
    let proxy = Proxy::start().await;
    for version in ["2023-06-01", "2026-10-21"] {
        let body = anthropic_request("hi", false).to_string();
        let answer = proxy.post("/v1/messages", &[("anthropic-version", version)], body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(proxy.sent().header("anthropic-version"), Some(version));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_own_key_never_leaves_this_server() {
    let proxy = Proxy::start().await;
    for header in [("authorization", "Bearer callers-key"), ("x-api-key", "callers-key")] {
        let body = anthropic_request("hi", false).to_string();
        let answer = proxy.post("/v1/messages", &[header, ("anthropic-version", "2023-06-01")], body).await;
        assert_eq!(answer.status, 200);
        let sent = proxy.sent();
        assert!(sent.headers.iter().all(|(_, value)| !value.contains("callers-key")), "{:?}", sent.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_comes_back_byte_for_byte() {
    let odd = ": a comment\n\nevent:message_start\ndata:{\"type\":\"message_start\", \"message\":{\"id\":\"msg_1\",\
        \"model\":\"m\",\"usage\":{\"input_tokens\":3}}}\r\n\r\nevent: brand_new\ndata: {\"type\":\"brand_new\",\"n\":1e400}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().bare().bytes(odd));
    let answer = proxy.messages("hi", true).await;
    assert_eq!(answer.header("content-type").split(';').next(), Some("text/event-stream"));
    assert_eq!(answer.text().await, odd);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_error_keeps_status_body_and_headers() {
    let proxy = Proxy::start().await;
    for status in [400, 401, 403, 404, 413, 429, 500, 529] {
        let error = turn()
            .error(status)
            .message("just so")
            .header("retry-after", "7")
            .header("x-should-retry", "false");
        proxy.simulator.script(error);
        let answer = proxy.messages("hi", true).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.header("x-should-retry"), "false");
        assert!(answer.header("request-id").starts_with("req_"));
        assert!(answer.header("x-request-id").starts_with("req_"));
        assert_ne!(answer.header("request-id"), answer.header("x-request-id"));
        let body = answer.json().await;
        assert_eq!(body["type"], "error");
        assert_eq!(body["error"]["message"], "just so");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_model_is_served_by_todays_and_keeps_its_name_in_the_answer() {
    let proxy = Proxy::start().await;
    let asked = "claude-3-sonnet-20240229";
    for stream in [false, true] {
        let mut body = anthropic_request("hi", stream);
        body["model"] = json!(asked);
        let answer =
            proxy.post("/v1/messages", &[("anthropic-version", "2023-06-01")], body.to_string()).await;
        assert_eq!(answer.status, 200);
        let served = answer.header("x-model-served").to_owned();
        assert!(served.starts_with("claude-sonnet-"), "{served}");
        assert!(answer.text().await.contains(asked));
        let sent = proxy.sent();
        assert_eq!(sent.body, body.to_string().replace(asked, &served));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_model_gets_the_default_one() {
    let proxy = Proxy::with(json!({ "claude": { "default_model": "claude-haiku-4-5" } })).await;
    for model in [json!(null), json!("default")] {
        let mut body = anthropic_request("hi", false);
        if model.is_null() {
            body.as_object_mut().unwrap().remove("model");
        } else {
            body["model"] = model;
        }
        let answer =
            proxy.post("/v1/messages", &[("anthropic-version", "2023-06-01")], body.to_string()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(proxy.sent().json()["model"], "claude-haiku-4-5");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gzipped_requests_are_accepted() {
    use std::io::Write;
    let proxy = Proxy::start().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(ODD_BODY.as_bytes()).unwrap();
    let headers = [("anthropic-version", "2023-06-01"), ("content-encoding", "gzip")];
    let answer = proxy.post("/v1/messages", &headers, encoder.finish().unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(proxy.sent().body, ODD_BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_counts_pass_through() {
    let proxy = Proxy::start().await;
    let body =
        json!({ "model": "claude-sonnet-5-5", "messages": [{ "role": "user", "content": "how many?" }] });
    let headers = [("anthropic-version", "2023-06-01")];
    let answer = proxy.post("/v1/messages/count_tokens", &headers, body.to_string()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json().await["input_tokens"].as_u64().unwrap() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the upstream's bytes are split, the client gets the same bytes.
    #[test]
    fn any_split_of_an_answer_arrives_whole(cuts in proptest::collection::vec(0_usize..2000, 0..12), size in 1_usize..400) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let proxy = Proxy::start().await;
            let script = || turn().texts(["Grüße", " 🦀", "\u{2028}x"]).thinking("hm").usage(11, 7);
            proxy.simulator.script(script());
            let whole = without_ids(&proxy.messages("hi", true).await.bytes().await);
            proxy.simulator.script(script().chunks_of(size));
            let chunked = without_ids(&proxy.messages("hi", true).await.bytes().await);
            assert_eq!(whole, chunked);
            proxy.simulator.script(script().cut_at(cuts));
            let cut = without_ids(&proxy.messages("hi", true).await.bytes().await);
            assert_eq!(whole, cut);
        });
    }
}

/// The simulator numbers its messages.
fn without_ids(answer: &Bytes) -> String {
    let text = std::str::from_utf8(answer).unwrap();
    let mut out = String::new();
    for (position, part) in text.split("\"msg_").enumerate() {
        let rest = if position == 0 { part } else { part.split_once('"').unwrap().1 };
        out.push_str(rest);
    }
    out
}
