//! `docs/dialects.md` says of each field how it is treated: it is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod translation;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dialects::openai_chat::Translated;
use messages::ApiError;
use serde_json::{Value, json};
use translation::SERVER;

/// The fields of the tables below this heading, with how they are said to be treated.
fn documented(heading: &str) -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    let page = fs::read_to_string(page).unwrap();
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut fields = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        for field in cells[0].split('`').skip(1).step_by(2) {
            assert!(
                fields.insert(field.to_owned(), cells[1].to_owned()).is_none(),
                "{field} stands there twice"
            );
        }
    }
    fields
}

/// A request with this field, and what it needs beside it.
fn chat_with(field: &str) -> Value {
    let tools = json!([{"type": "function", "function": {"name": "look"}}]);
    let functions = json!([{"name": "look"}]);
    let mut body = json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hi"}]});
    match field {
        "tool_choice" | "parallel_tool_calls" => body["tools"] = tools.clone(),
        "function_call" => body["functions"] = functions.clone(),
        _ => {}
    }
    body[field] = match field {
        "model" => "gpt-4o".into(),
        "messages" => {
            json!([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}])
        }
        "max_completion_tokens" | "max_tokens" | "n" | "seed" | "top_logprobs" => json!(2),
        "temperature" | "top_p" | "frequency_penalty" | "presence_penalty" => json!(0.5),
        "stop" => json!(["END"]),
        "stream" | "store" => json!(true),
        "stream_options" => json!({"include_usage": true}),
        "tools" => tools,
        "functions" => functions,
        "tool_choice" | "function_call" => "auto".into(),
        "parallel_tool_calls" | "logprobs" => json!(false),
        "response_format" => json!({"type": "json_object"}),
        "reasoning_effort" => "high".into(),
        "web_search_options" | "logit_bias" | "metadata" | "prompt_cache_options" | "moderation" => json!({}),
        "user"
        | "safety_identifier"
        | "service_tier"
        | "verbosity"
        | "prompt_cache_key"
        | "prompt_cache_retention" => "x".into(),
        "cache_control" => json!({"type": "ephemeral"}),
        "anthropic" => json!({"top_k": 3}),
        "modalities" => json!(["text"]),
        "audio" | "prediction" => json!({"voice": "alloy"}),
        _ => panic!("{field} has no sample here"),
    };
    body
}

fn completion_with(field: &str) -> Value {
    let mut body = json!({"model": "claude-haiku-4-5", "prompt": "Once"});
    body[field] = match field {
        "prompt" => json!(["Once", "Twice"]),
        "echo" => json!(true),
        "best_of" => json!(1),
        "suffix" => "the end".into(),
        "logprobs" => json!(1),
        _ => chat_with(field)[field].clone(),
    };
    body
}

/// With effort but without its thinking, sampling is honoured by the model that the samples ask.
fn check(field: &str, treatment: &str, result: Result<Translated, ApiError>) {
    match (treatment, result) {
        ("honoured" | "mapped", Ok(done)) => {
            assert!(done.ignored.is_empty(), "{field} is {treatment}, but {:?}", done.ignored);
        }
        ("ignored", Ok(done)) => assert_eq!(done.ignored, [field]),
        ("refused", Err(error)) => {
            assert!(error.path.is_some_and(|path| path.split(['.', '[']).next() == Some(field)), "{field}");
        }
        (_, result) => panic!("{field} is said to be {treatment}: {result:?}"),
    }
}

#[test]
fn a_field_of_a_chat_completion_is_treated_as_told() {
    let fields = documented("Chat completions: the request");
    assert!(fields.len() > 35, "{fields:?}");
    for (field, treatment) in fields {
        check(&field, &treatment, SERVER.chat(chat_with(&field).to_string().as_bytes()));
    }
}

#[test]
fn a_field_of_a_legacy_completion_is_treated_as_told() {
    let fields = documented("Legacy completions");
    assert!(fields.len() > 15, "{fields:?}");
    for (field, treatment) in fields {
        check(&field, &treatment, SERVER.completion(completion_with(&field).to_string().as_bytes()));
    }
}
