//! Legacy completions.

use serde_json::{Value, json};
use simulator::turn;

use crate::support::Proxy;

const PATH: &str = "/v1/completions";

fn request(fields: &Value) -> String {
    let mut body = json!({ "model": "claude-sonnet-5-5", "prompt": "Once upon", "max_tokens": 50 });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_completed_whole_and_streamed() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().texts([" a", " time"]).usage(3, 2).times(2));
    let answer = proxy.post(PATH, &[], request(&json!({ "echo": true }))).await.json().await;
    assert_eq!(answer["object"], "text_completion");
    assert_eq!(answer["choices"][0]["text"], "Once upon a time");
    assert_eq!(answer["usage"]["total_tokens"], 5);
    let streamed = request(&json!({ "stream": true, "stream_options": { "include_usage": true } }));
    let text = proxy.post(PATH, &[], streamed).await.text().await;
    assert!(text.contains(r#""text":" a""#) && text.contains(r#""total_tokens":5"#), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_prompt_of_a_list_has_its_own_choice() {
    let proxy = Proxy::start().await;
    for part in ["one", "two"] {
        proxy.simulator.script(turn().text(part.to_uppercase()).when_text(part));
    }
    let answer = proxy.post(PATH, &[], request(&json!({ "prompt": ["one", "two"] }))).await.json().await;
    let texts: Vec<&Value> =
        answer["choices"].as_array().unwrap().iter().map(|choice| &choice["text"]).collect();
    assert_eq!(texts, ["ONE", "TWO"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_named() {
    let proxy = Proxy::start().await;
    for (fields, param) in [
        (json!({ "suffix": "z" }), "suffix"),
        (json!({ "logprobs": 3 }), "logprobs"),
        (json!({ "prompt": [1, 2] }), "prompt[0]"),
        (json!({ "best_of": 2 }), "best_of"),
    ] {
        let answer = proxy.post(PATH, &[], request(&fields)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json().await["error"]["param"], param);
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_ends_with_an_error() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one two").cut());
    let text = proxy.post(PATH, &[], request(&json!({ "stream": true }))).await.text().await;
    assert!(text.contains("data: {\"error\":") && !text.contains("[DONE]"), "{text}");
}
