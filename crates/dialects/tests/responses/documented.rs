//! `docs/dialects.md` says of each field, item and tool how it is treated: it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dialects::openai_responses::{Earlier, Translated};
use messages::ApiError;
use serde_json::{Value, json};

use crate::{attempt, bytes};

/// What the table below this heading names, with how it is said to be treated.
fn documented(heading: &str) -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    let page = fs::read_to_string(page).unwrap();
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut named = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        for name in cells[0].split('`').skip(1).step_by(2) {
            assert!(
                named.insert(name.to_owned(), cells[1].to_owned()).is_none(),
                "{name} stands there twice"
            );
        }
    }
    named
}

/// `name` is what `x-ignored-parameters` calls it, `place` the path that a complaint begins with.
fn check(body: &Value, treatment: &str, name: &str, place: &str) {
    let kept = [bytes(&json!({"id": "msg_1", "role": "assistant", "content": "kept"}))];
    let earlier = Earlier { conversation: &[], referenced: &kept };
    let result: Result<Translated, ApiError> = attempt(&bytes(body), &earlier, false);
    match (treatment, result) {
        ("honoured" | "mapped", Ok(done)) => {
            assert!(done.ignored.is_empty(), "{name} is {treatment}, but {:?}", done.ignored);
        }
        ("ignored", Ok(done)) => assert_eq!(done.ignored, [name]),
        ("refused", Err(error)) => {
            assert!(error.path.as_deref().is_some_and(|path| path.starts_with(place)), "{name}: {error:?}");
        }
        (_, result) => panic!("{name} is said to be {treatment}: {result:?}"),
    }
}

fn with_field(field: &str) -> Value {
    let tools = json!([{"type": "function", "name": "look"}]);
    let mut body = json!({"model": "claude-haiku-4-5", "input": "hi"});
    if matches!(field, "tool_choice" | "parallel_tool_calls") {
        body["tools"] = tools.clone();
    }
    body[field] = match field {
        "model" => "gpt-4o".into(),
        "input" => json!([{"role": "user", "content": "hi"}]),
        "instructions" | "user" | "safety_identifier" | "prompt_cache_key" | "prompt_cache_retention" => {
            "x".into()
        }
        "previous_response_id" | "conversation" => "resp_1".into(),
        "store" | "background" | "stream" => json!(true),
        "stream_options" => json!({"include_obfuscation": false}),
        "max_output_tokens" | "max_tool_calls" | "top_logprobs" => json!(2),
        "temperature" | "top_p" => json!(0.5),
        "tools" => tools,
        "tool_choice" => "auto".into(),
        "parallel_tool_calls" => json!(false),
        "text" => json!({"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}),
        "reasoning" => json!({"effort": "low", "summary": "auto"}),
        "include" => json!(["reasoning.encrypted_content", "web_search_call.action.sources"]),
        "metadata" => json!({"a": "b"}),
        "cache_control" => json!({"type": "ephemeral"}),
        "anthropic" => json!({"top_k": 3}),
        "truncation" => "auto".into(),
        "service_tier" => "flex".into(),
        "prompt" | "moderation" | "prompt_cache_options" | "client_metadata" => json!({"id": "x"}),
        "context_management" => json!([{"type": "compaction"}]),
        _ => panic!("{field} has no sample here"),
    };
    body
}

#[test]
fn a_field_is_treated_as_told() {
    let fields = documented("Responses: the request");
    assert!(fields.len() > 30, "{fields:?}");
    for (field, treatment) in fields {
        check(&with_field(&field), &treatment, &field, &field);
    }
}

/// The item, and what must stand beside it.
fn with_item(kind: &str) -> Vec<Value> {
    let call = |kind: &str| match kind {
        "function_call" => json!({"type": kind, "call_id": "c", "name": "look", "arguments": "{}"}),
        "custom_tool_call" => json!({"type": kind, "call_id": "c", "name": "look", "input": "x"}),
        _ => {
            json!({"type": kind, "id": "l", "call_id": "c", "status": "completed", "action": {"type": "exec", "command": ["ls"], "env": {}}})
        }
    };
    let output = |kind: &str| json!({"type": format!("{kind}_output"), "call_id": "c", "output": "done"});
    match kind {
        "message" => {
            vec![json!({"type": kind, "role": "user", "content": [{"type": "input_text", "text": "hi"}]})]
        }
        "function_call" | "custom_tool_call" | "local_shell_call" => vec![call(kind), output(kind)],
        "function_call_output" | "custom_tool_call_output" | "local_shell_call_output" => {
            let called = kind.trim_end_matches("_output");
            vec![call(called), output(called)]
        }
        // The sealed form of a redacted block.
        "reasoning" => vec![
            json!({"type": kind, "id": "rs_1", "summary": [], "encrypted_content": "AepVu+6XK3T8eyJkYXRhIjoiZW5jPT0ifQ=="}),
            json!({"role": "assistant", "content": "So."}),
        ],
        "item_reference" => vec![json!({"type": kind, "id": "msg_1"})],
        _ => vec![json!({"type": kind, "id": "x", "call_id": "c"})],
    }
}

#[test]
fn an_item_is_treated_as_told() {
    let items = documented("Responses: the items");
    assert!(items.len() > 20, "{items:?}");
    for (kind, treatment) in items {
        let mut input = vec![json!({"role": "user", "content": "hi"})];
        input.extend(with_item(&kind));
        input.push(json!({"role": "user", "content": "on"}));
        let body = json!({"model": "claude-haiku-4-5", "input": input});
        check(&body, &treatment, &format!("input.{kind}"), "input[1].type");
    }
}

#[test]
fn a_tool_is_treated_as_told() {
    let tools = documented("Responses: the tools");
    assert!(tools.len() > 12, "{tools:?}");
    for (kind, treatment) in tools {
        let tool = match kind.as_str() {
            "function" | "custom" => json!({"type": kind, "name": "look"}),
            "namespace" => {
                json!({"type": kind, "name": "files", "description": "d", "tools": [{"type": "function", "name": "look"}]})
            }
            "mcp" => {
                json!({"type": kind, "server_label": "s", "server_url": "https://mcp.example/", "require_approval": "never"})
            }
            _ => json!({"type": kind}),
        };
        let body = json!({"model": "claude-haiku-4-5", "input": "hi", "tools": [tool]});
        check(&body, &treatment, &format!("tools.{kind}"), "tools[0].type");
    }
}
