//! Whatever a client sends, it gets a translation that the Messages API takes, or a 4xx that names the place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod mutating;
mod translation;

use dialects::openai_chat::{Translated, error_status};
use fixtures::Fixtures;
use messages::ApiError;
use messages::request::Request;
use mutating::{break_all, mutate_all};
use serde_json::{Value, json};
use translation::SERVER;

fn attempt(body: &[u8]) -> Result<Translated, ApiError> {
    SERVER.chat(body)
}

fn mutated(kind: &str, attempt: fn(&[u8]) -> Result<Translated, ApiError>) {
    let seeds = Fixtures("golden").legal(kind, |body| attempt(body).is_ok());
    let pieces = [json!([{"type": "image_url", "image_url": {"url": "data:,"}}])];
    mutate_all(&seeds, &pieces, attempt, |done| done.body.clone());
}

#[test]
fn a_mutated_chat_completion_is_translated_or_refused_with_its_path() {
    mutated("request-", attempt);
}

#[test]
fn a_mutated_legacy_completion_is_translated_or_refused_with_its_path() {
    mutated("completion-", |body| SERVER.completion(body));
}

#[test]
fn broken_bytes_are_refused_and_nothing_panics() {
    let seeds = Fixtures("golden").legal("request-", |body| attempt(body).is_ok());
    break_all(&seeds, |bytes| {
        if let Err(error) = attempt(bytes) {
            assert_eq!(error_status(&error), 400);
        }
    });
}

#[test]
fn endless_nesting_is_a_400() {
    for body in [
        "[".repeat(3_000_000),
        "{\"messages\":".repeat(300_000),
        format!("{{\"messages\":{}", "[{\"content\":".repeat(200_000)),
    ] {
        assert_eq!(attempt(body.as_bytes()).unwrap_err().status, 400);
    }
}

#[test]
fn a_request_made_to_be_slow_is_not() {
    let many = 30_000;
    let call = |id: usize| json!({"id": format!("c{id}"), "type": "function", "function": {"name": "n", "arguments": "{}"}});
    let tool = |id: usize| json!({"type": "function", "function": {"name": format!("n{id}")}});
    let results =
        (0..many).map(|id| json!({"role": "tool", "tool_call_id": format!("c{id}"), "content": "x"}));
    let mut one_turn = vec![
        json!({"role": "user", "content": "x"}),
        json!({"role": "assistant", "tool_calls": (0..many).map(call).collect::<Vec<_>>()}),
    ];
    one_turn.extend(results.rev());
    let mut same_id = vec![json!({"role": "user", "content": "x"})];
    for _ in 0..many {
        same_id.push(json!({"role": "assistant", "tool_calls": [call(0)]}));
        same_id.push(json!({"role": "tool", "tool_call_id": "c0", "content": "x"}));
    }
    let hi = json!([{"role": "user", "content": "x"}]);
    let names: Vec<Value> = (0..many).rev().map(tool).collect();
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": names}});
    let members: serde_json::Map<String, Value> =
        (0..many).map(|id| (format!("m{id}"), Value::Null)).collect();
    let started = std::time::Instant::now();
    for body in [
        json!({"messages": one_turn}),
        json!({"messages": same_id}),
        json!({"messages": hi, "tools": (0..many).map(tool).collect::<Vec<_>>(), "tool_choice": allowed}),
        json!({"messages": hi, "anthropic": members}),
    ] {
        let done = attempt(body.to_string().as_bytes()).unwrap();
        Request::parse(&done.body).unwrap();
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn an_error_never_repeats_what_was_said() {
    let secret = "s3cret-prompt";
    for messages in [
        json!([{"role": secret, "content": "x"}]),
        json!([{"role": "user", "content": [{"type": secret}]}]),
        json!([{"role": "user", "content": [{"type": "text", "text": [secret]}]}]),
        json!([secret]),
        json!(secret),
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": secret}}]}]),
        json!([{"role": "tool", "tool_call_id": secret, "content": "x"}]),
    ] {
        let body = json!({"model": "claude-sonnet-5-5", "messages": messages}).to_string();
        let error = attempt(body.as_bytes()).unwrap_err();
        assert!(!error.message.contains(secret), "{}", error.message);
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let body = br#"{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}"#;
    assert_eq!(attempt(body).unwrap_err().message, "model: given twice");
}

#[test]
fn a_large_image_is_copied_as_it_is() {
    let data = "iVBORw0K".repeat(1_000_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}]}}"#
    );
    let done = attempt(body.as_bytes()).unwrap();
    let written = std::str::from_utf8(&done.body).unwrap();
    assert!(written.contains(&data));
    assert!(done.body.len() < body.len() + 300);
}
