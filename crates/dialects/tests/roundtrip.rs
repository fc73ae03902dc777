//! What a client sends back of an answer reaches the API as it was: thinking with its signature, tool calls exactly.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod translation;

use dialects::openai_chat::Shape;
use serde_json::{Value, json};
use translation::{SERVER, Server, whole};

/// The assistant's content after the way out and back in, as a client that keeps all fields sends it.
fn there_and_back(content: &Value) -> Value {
    let answer =
        json!({"id": "msg_1", "model": "m", "content": content, "stop_reason": "end_turn", "usage": {}});
    let completion = whole(&[answer], &Shape::default()).unwrap();
    let message = completion["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    let mut messages = vec![json!({"role": "user", "content": "go"}), message];
    messages.extend(
        calls.iter().map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "done"})),
    );
    messages.push(json!({"role": "user", "content": "on"}));
    let request = json!({"model": "claude-sonnet-5-5", "messages": messages});

    let server = Server { strict: true, ..SERVER };
    let done = server.chat(request.to_string().as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&done.body).unwrap();
    body["messages"][1]["content"].clone()
}

#[test]
fn an_answer_that_is_sent_back_becomes_the_same_blocks() {
    let signed = json!({"type": "thinking", "thinking": "hm — \"so\"", "signature": "c2ln+/="});
    let hidden = json!({"type": "thinking", "thinking": "", "signature": "aGlkZGVu"});
    let redacted = json!({"type": "redacted_thinking", "data": "enc=="});
    let text = json!({"type": "text", "text": "Two calls.\n"});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "a\\\"b", "n": [1, 2.5, null]}});
    let bare = json!({"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}});
    for content in [
        json!([text]),
        json!([signed, text]),
        json!([signed, redacted, hidden, text, call, bare]),
        json!([hidden, call]),
        json!([bare]),
    ] {
        assert_eq!(there_and_back(&content), content);
    }
}
