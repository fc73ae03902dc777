use super::super::translate;
use crate::openai::Places;
use crate::openai_chat::Defaults;
use messages::{ApiError, ignored};
use serde_json::{Value, json};

fn places(request: &Value) -> Places {
    translate(request.to_string().as_bytes(), &Defaults::OF_TESTS).unwrap().places
}

fn conversation() -> Value {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    json!([
        {"role": "system", "content": "s"},
        {"role": "user", "content": " "},
        {"role": "user", "content": [
            {"type": "text", "text": " "},
            {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
            {"type": "file", "file": {"file_id": "file_1", "filename": "n"}},
        ]},
        {"role": "user", "content": "and"},
        {
            "role": "assistant",
            "reasoning_details": [{"text": "t", "signature": "s"}],
            "content": "a",
            "refusal": "no",
            "tool_calls": [call("one"), call("two")],
        },
        {"role": "tool", "tool_call_id": "one", "content": "r"},
        {"role": "tool", "tool_call_id": "two", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
        {"role": "user", "content": "q"},
    ])
}

#[test]
fn every_block_leads_back_to_where_it_was_said() {
    let places = places(&json!({"messages": conversation()}));
    for (path, chat) in [
        ("system[0].text", "messages[0].content"),
        ("messages[0].content[0].source.media_type", "messages[2].content[1].image_url.url"),
        ("messages[0].content[0].type", "messages[2].content[1].type"),
        ("messages[0].content[1].source.file_id", "messages[2].content[2].file.file_id"),
        ("messages[0].content[1].title", "messages[2].content[2].file.filename"),
        ("messages[0].content[2].text", "messages[3].content"),
        ("messages[1].content[0].signature", "messages[4].reasoning_details[0].signature"),
        ("messages[1].content[1].text", "messages[4].content"),
        ("messages[1].content[2]", "messages[4].refusal"),
        ("messages[1].content[3].id", "messages[4].tool_calls[0].id"),
        ("messages[1].content[4].input.a", "messages[4].tool_calls[1].function.arguments"),
        ("messages[1].role", "messages[4].role"),
        ("messages[1]", "messages[4]"),
        ("messages[2].content[0].tool_use_id", "messages[5].tool_call_id"),
        ("messages[2].content[0].content[0].text", "messages[5].content"),
        ("messages[2].content[1].content[1].source.url", "messages[6].content[1].image_url.url"),
        ("messages[2].content[2]", "messages[7].content"),
    ] {
        assert_eq!(places.path(path).as_deref(), Some(chat), "{path}");
    }
}

#[test]
fn settings_lead_back_to_the_members_that_were_given() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}});
    let allowed = json!({"mode": "auto", "tools": [{"type": "function", "function": {"name": "b"}}]});
    let places = places(&json!({
        "messages": [{"role": "user", "content": "q"}],
        "max_completion_tokens": 5,
        "safety_identifier": "u",
        "tools": [tool("a"), tool("b")],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed},
        "anthropic": {"thinking": {"type": "adaptive"}},
    }));
    for (path, chat) in [
        ("max_tokens", Some("max_completion_tokens")),
        ("metadata", Some("safety_identifier")),
        ("stop_sequences[1]", Some("stop")),
        ("output_config.effort", Some("reasoning_effort")),
        ("output_config.format.schema.type", Some("response_format.json_schema.schema.type")),
        ("tools[0].input_schema.properties", Some("tools[1].function.parameters.properties")),
        ("tools[0].name", Some("tools[1].function.name")),
        ("tool_choice.name", Some("tool_choice.function.name")),
        ("thinking.type", Some("anthropic.thinking.type")),
        ("temperature", None),
        ("messages[9].content", None),
        ("messages", Some("messages")),
    ] {
        assert_eq!(places.path(path).as_deref(), chat, "{path}");
    }
}

#[test]
fn tools_of_all_kinds_and_their_calls_lead_back() {
    let custom = json!({"type": "custom", "custom": {"name": "c"}});
    let call = json!({"id": "one", "type": "custom", "custom": {"name": "c", "input": "i"}});
    let places = places(&json!({
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "one", "content": "r"},
        ],
        "tools": [custom],
        "web_search_options": {},
        "response_format": {"type": "json_object"},
    }));
    for (path, chat) in [
        ("messages[1].content[0].input.input", "messages[1].tool_calls[0].custom.input"),
        ("messages[1].content[0].name", "messages[1].tool_calls[0].custom.name"),
        ("tools[0].input_schema.type", "tools[0].custom"),
        ("tools[0].name", "tools[0].custom.name"),
        ("tools[1].type", "web_search_options"),
        ("tools[2].input_schema", "response_format"),
        ("tool_choice.type", "response_format"),
    ] {
        assert_eq!(places.path(path).as_deref(), Some(chat), "{path}");
    }
}

#[test]
fn functions_and_their_call_lead_back() {
    let function = |name: &str| json!({"name": name, "parameters": {"type": "object"}});
    let places = places(&json!({
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "function_call": {"name": "b", "arguments": "{}"}},
            {"role": "function", "name": "b", "content": "r"},
        ],
        "functions": [function("a"), function("b")],
        "function_call": {"name": "b"},
    }));
    for (path, chat) in [
        ("messages[1].content[0].input.a", "messages[1].function_call.arguments"),
        ("messages[2].content[0].content[0].text", "messages[2].content"),
        ("tools[1].input_schema.properties", "functions[1].parameters.properties"),
        ("tools[1].description", "functions[1].description"),
        ("tool_choice.name", "function_call"),
    ] {
        assert_eq!(places.path(path).as_deref(), Some(chat), "{path}");
    }
}

#[test]
fn what_the_translation_made_up_has_no_place() {
    let places = places(
        &json!({"messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "q"}]}),
    );
    assert_eq!(places.path("messages[0].content[0].text"), None);
    assert_eq!(places.path("messages[1].role").as_deref(), Some("messages[0].role"));
}

#[test]
fn an_error_is_told_about_the_chat_request() {
    let places = places(&json!({"messages": conversation()}));
    let error = places.error(ApiError::invalid("messages[0].content[0].source.url", "no such host"));
    assert_eq!(error.path.as_deref(), Some("messages[2].content[1].image_url.url"));
    assert_eq!(error.message, "messages[2].content[1].image_url.url: no such host");
    let strict = ignored::refused(&["metadata".into(), "messages[1].x".into()]).unwrap_err();
    let told = places.error(strict);
    assert_eq!(told.path.as_deref(), Some("user"));
    assert!(told.message.ends_with("(all such fields: user, messages[4].x)"), "{}", told.message);
    let upstream = ApiError::new(messages::ErrorKind::Api, "oh");
    assert_eq!(places.error(upstream.clone()), upstream);
    assert_eq!(places.names(vec!["metadata".into(), "cache_control".into()]), ["user", "cache_control"]);
}
