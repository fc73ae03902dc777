//! Whatever a client sends, it gets a translation that the Messages API takes, or a 4xx that names the place.

use bytes::Bytes;
use dialects::openai_responses::{Earlier, Translated, error_status, input_items, peek};
use messages::ApiError;
use messages::request::Request;
use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::mutating::{break_all, mutate_all};

fn attempt(body: &[u8]) -> Result<Translated, ApiError> {
    crate::attempt(body, &Earlier::default(), false)
}

fn seeds() -> Vec<Value> {
    Fixtures("responses/golden").legal("request-", |body| attempt(body).is_ok())
}

fn mutated(attempt: fn(&[u8]) -> Result<Translated, ApiError>, body_of: fn(&Translated) -> Bytes) {
    let pieces = [
        json!([{"type": "input_image", "image_url": "data:,"}]),
        json!({"type": "reasoning", "encrypted_content": "AQ=="}),
    ];
    mutate_all(&seeds(), &pieces, attempt, body_of);
}

#[test]
fn a_mutated_request_is_translated_or_refused_with_its_path() {
    mutated(attempt, |done| done.body.clone());
}

#[test]
fn a_mutated_request_to_be_counted_is_translated_or_refused_with_its_path() {
    // Less than what is to be answered, which has a limit.
    let with_limit = |done: &Translated| {
        let mut body = crate::parse(&done.body);
        body["max_tokens"] = 1_000_000_000.into();
        crate::bytes(&body)
    };
    mutated(|body| crate::attempt_to_count(body, &Earlier::default()), with_limit);
}

#[test]
fn broken_bytes_are_refused_and_nothing_panics() {
    break_all(&seeds(), |bytes| {
        if let Err(error) = attempt(bytes) {
            assert_eq!(error_status(&error), 400);
        } else {
            peek(bytes).unwrap();
            input_items(bytes, &Earlier::default(), "resp_1").unwrap();
        }
    });
}

#[test]
fn endless_nesting_is_a_400() {
    for body in [
        "[".repeat(3_000_000),
        "{\"input\":".repeat(300_000),
        format!("{{\"input\":{}", "[{\"content\":".repeat(200_000)),
    ] {
        assert_eq!(attempt(body.as_bytes()).unwrap_err().status, 400);
        assert_eq!(peek(body.as_bytes()).unwrap_err().status, 400);
    }
}

#[test]
fn a_request_made_to_be_slow_is_not() {
    let many = 30_000;
    let call = |id: usize| json!({"type": "function_call", "call_id": format!("c{id}"), "name": "n", "arguments": "{}"});
    let output =
        |id: usize| json!({"type": "function_call_output", "call_id": format!("c{id}"), "output": "x"});
    let tool = |id: usize| json!({"type": "function", "name": format!("n{id}")});
    let server = |id: usize| json!({"type": "mcp", "server_label": format!("s{id}"), "server_url": "https://a/", "require_approval": "never"});
    let mut one_turn = vec![json!({"role": "user", "content": "x"})];
    one_turn.extend((0..many).map(call));
    one_turn.extend((0..many).rev().map(output));
    let mut same_id = vec![json!({"role": "user", "content": "x"})];
    same_id.extend((0..many).flat_map(|_| [call(0), output(0)]));
    let names: Vec<Value> = (0..many).rev().map(tool).collect();
    let allowed = json!({"type": "allowed_tools", "mode": "auto", "tools": names});
    let kept: Vec<_> = (0..many)
        .map(|id| crate::bytes(&json!({"id": format!("m{id}"), "role": "user", "content": "x"})))
        .collect();
    let references: Vec<Value> =
        (0..many).rev().map(|id| json!({"type": "item_reference", "id": format!("m{id}")})).collect();
    let earlier = Earlier { conversation: &[], referenced: &kept };
    let started = std::time::Instant::now();
    for body in [
        json!({"input": one_turn}),
        json!({"input": same_id}),
        json!({"input": "x", "tools": (0..many).map(tool).collect::<Vec<_>>(), "tool_choice": allowed}),
        json!({"input": "x", "tools": (0..many).map(server).collect::<Vec<_>>()}),
        json!({"input": references}),
    ] {
        let body = body.to_string();
        let done = crate::attempt(body.as_bytes(), &earlier, false).unwrap();
        Request::parse(&done.body).unwrap();
        input_items(body.as_bytes(), &earlier, "resp_1").unwrap();
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn an_error_never_repeats_what_was_said() {
    let secret = "s3cret-prompt";
    for input in [
        json!([{"role": secret, "content": "x"}]),
        json!([{"role": "user", "content": [{"type": secret}]}]),
        json!([{"role": "user", "content": [{"type": "input_text", "text": [secret]}]}]),
        json!([secret]),
        json!({"type": secret}),
        json!([{"type": secret}]),
        json!([{"role": "user", "content": [{"type": "input_image", "image_url": secret}]}]),
        json!([{"type": "function_call_output", "call_id": secret, "output": "x"}]),
        json!([{"type": "function_call", "call_id": secret, "name": secret, "arguments": secret}]),
        json!([{"type": "reasoning", "encrypted_content": secret}]),
        json!([{"type": "item_reference", "id": secret}]),
    ] {
        let body = json!({"model": "claude-sonnet-5-5", "input": input}).to_string();
        let error = attempt(body.as_bytes()).unwrap_err();
        assert!(!error.message.contains(secret), "{}", error.message);
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let body = br#"{"model":"a","model":"b","input":"x"}"#;
    assert_eq!(attempt(body).unwrap_err().message, "model: given twice");
}

#[test]
fn a_large_image_is_copied_as_it_is() {
    let data = "iVBORw0K".repeat(1_000_000);
    let body = format!(
        r#"{{"input":[{{"role":"user","content":[{{"type":"input_image","image_url":"data:image/png;base64,{data}"}}]}}]}}"#
    );
    let done = attempt(body.as_bytes()).unwrap();
    let written = std::str::from_utf8(&done.body).unwrap();
    assert!(written.contains(&data));
    assert!(done.body.len() < body.len() + 300);
}
