//! What a request's body may be, and how a wrong one is refused.

use serde_json::{Value, json};

use crate::support::{Proxy, anthropic_request, chat_request};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_413_in_the_dialect() {
    let proxy = Proxy::with(json!({ "server": { "max_body_bytes": 2000 } })).await;
    let long = "x".repeat(3000);
    let answer = proxy.messages(&long, false).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json().await["error"]["type"], "request_too_large");
    let answer = proxy.chat(&long, false).await;
    assert_eq!(answer.status, 413);
    assert!(answer.json().await["error"]["message"].as_str().unwrap().contains("server.max_body_bytes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_taken() {
    let proxy = Proxy::start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let headers = [VERSION, ("content-type", content_type)];
        let answer = proxy.post("/v1/messages", &headers, anthropic_request("hi", false).to_string()).await;
        assert_eq!(answer.status, 415, "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_a_400_that_says_where() {
    let proxy = Proxy::start().await;
    let wrong: [&[u8]; 8] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"a\":1}}",
        b"{\"model\":\"\xff\"}",
        b"{\"model\":1,}",
        b"{\"model\":\"a\",\"model\":\"b\"}",
    ];
    for body in wrong {
        for path in ["/v1/messages", "/v1/chat/completions"] {
            let answer = proxy.post(path, &[VERSION], body).await;
            assert_eq!(answer.status, 400, "{path} {:?}", String::from_utf8_lossy(body));
            assert!(answer.json().await["error"]["message"].is_string());
        }
    }
    assert!(proxy.simulator.requests().iter().all(|sent| sent.method != "POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_is_a_400_and_not_a_crash() {
    let proxy = Proxy::start().await;
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    for path in ["/v1/messages", "/v1/chat/completions"] {
        assert_eq!(proxy.post(path, &[VERSION], deep.clone()).await.status, 400, "{path}");
    }
    assert_eq!(proxy.messages("still there?", false).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_by_its_path() {
    let proxy = Proxy::start().await;
    let cases: [(&str, Value); 4] = [
        ("messages", json!({ "messages": "hi" })),
        ("messages[0].role", json!({ "messages": [{ "role": "wizard", "content": "hi" }] })),
        ("temperature", json!({ "temperature": "hot" })),
        ("stream", json!({ "stream": "yes" })),
    ];
    for (path, wrong) in cases {
        let mut body = chat_request("hi", false);
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let answer = proxy.post("/v1/chat/completions", &[], body.to_string()).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.json().await["error"]["param"], path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_speak_the_callers_dialect() {
    let proxy = Proxy::start().await;
    let answer = proxy.get("/v1/nothing", &[VERSION]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json().await["error"]["type"].clone()),
        (404, json!("not_found_error"))
    );
    let answer = proxy.post("/v1/embeddings", &[], "{}").await;
    assert_eq!(answer.status, 404);
    assert!(answer.json().await["error"]["message"].as_str().unwrap().contains("embeddings"));
    let answer = proxy.get("/v1/messages", &[VERSION]).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "POST");
}
