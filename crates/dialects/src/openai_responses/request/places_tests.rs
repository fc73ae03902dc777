use serde_json::{Value, json};

use crate::openai::Places;
use crate::openai_responses::{Defaults, Earlier, translate};
use bytes::Bytes;

fn places_after(request: &Value, conversation: &[Bytes]) -> Places {
    let earlier = Earlier { conversation, referenced: &[] };
    translate(request.to_string().as_bytes(), &earlier, &Defaults::OF_TESTS).unwrap().places
}

fn places(request: &Value) -> Places {
    places_after(request, &[])
}

fn assert_paths(places: &Places, paths: &[(&str, Option<&str>)]) {
    for (path, own) in paths {
        assert_eq!(places.path(path).as_deref(), *own, "{path}");
    }
}

#[test]
fn every_block_leads_back_to_its_item() {
    let places = places(&json!({"instructions": "i", "input": [
        {"role": "user", "content": [
            {"type": "input_text", "text": " "},
            {"type": "input_image", "image_url": "https://a/b.png"},
            {"type": "input_file", "file_id": "file_1", "filename": "n"},
            {"type": "input_file", "file_url": "https://a/b.pdf"},
        ]},
        {"role": "user", "content": "and"},
        {"type": "function_call", "call_id": "one", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "two", "name": "g", "input": "x"},
        {"type": "function_call_output", "call_id": "one", "output": "r"},
        {"type": "custom_tool_call_output", "call_id": "two", "output": [
            {"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "https://a/b.png"},
        ]},
        {"role": "user", "content": "q"},
    ]}));
    assert_paths(
        &places,
        &[
            ("system[0].text", Some("instructions")),
            ("messages[0].content[0].source.url", Some("input[0].content[1].image_url")),
            ("messages[0].content[1].source.file_id", Some("input[0].content[2].file_id")),
            ("messages[0].content[1].title", Some("input[0].content[2].filename")),
            ("messages[0].content[2].source.url", Some("input[0].content[3].file_url")),
            ("messages[0].content[3].text", Some("input[1].content")),
            ("messages[0].role", Some("input[1].role")),
            ("messages[1].content[0].input.a", Some("input[2].arguments")),
            ("messages[1].content[0].name", Some("input[2].name")),
            ("messages[1].content[1].id", Some("input[3].call_id")),
            ("messages[1].content[1].input.input", Some("input[3].input")),
            ("messages[2].content[0].tool_use_id", Some("input[4].call_id")),
            ("messages[2].content[0].content", Some("input[4].output")),
            ("messages[2].content[0].content[0].text", Some("input[4].output")),
            ("messages[2].content[1].content[1].source.url", Some("input[5].output[1].image_url")),
            ("messages[2].content[2]", Some("input[6].content")),
            ("messages", Some("input")),
            ("messages[9].content", None),
        ],
    );
}

#[test]
fn what_is_one_text_or_kept_here_is_named_as_a_whole() {
    let whole = places(&json!({"input": "hi"}));
    assert_paths(&whole, &[("messages[0].content[0].text", Some("input")), ("messages", Some("input"))]);
    let kept = json!([{"id": "msg_1", "type": "message", "role": "user", "content": "earlier"}]);
    let later = json!({"previous_response_id": "resp_1", "input": [{"role": "user", "content": "now"}]});
    let places = places_after(&later, &[kept.to_string().into()]);
    assert_paths(
        &places,
        &[
            ("messages[0].content[0].text", Some("previous_response_id")),
            ("messages[0].content[1].text", Some("input[0].content")),
        ],
    );
}

#[test]
fn settings_and_tools_lead_back_to_the_members_that_were_given() {
    let function = |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}});
    let places = places(&json!({
        "input": "q",
        "max_output_tokens": 5,
        "safety_identifier": "u",
        "tools": [
            {"type": "custom", "name": "c"},
            {"type": "namespace", "name": "n", "description": "d", "tools": [function("a"), {"type": "custom", "name": "b"}]},
            {"type": "web_search"},
            {"type": "local_shell"},
            function("f"),
        ],
        "anthropic": {"top_k": 3},
    }));
    assert_paths(
        &places,
        &[
            ("max_tokens", Some("max_output_tokens")),
            ("metadata.user_id", Some("safety_identifier")),
            ("output_config.effort", Some("reasoning.effort")),
            ("output_config.format.schema.type", Some("text.format.schema.type")),
            ("thinking.budget_tokens", Some("reasoning")),
            ("tools[0].input_schema.type", Some("tools[0]")),
            ("tools[0].name", Some("tools[0].name")),
            ("tools[1].input_schema.type", Some("tools[1].tools[0].parameters.type")),
            ("tools[2].description", Some("tools[1].tools[1].description")),
            ("tools[3].max_uses", Some("tools[2].max_uses")),
            ("tools[4].input_schema", Some("tools[3]")),
            ("tools[5].input_schema", Some("tools[4].parameters")),
            ("tool_choice.name", Some("tool_choice.name")),
            ("top_k", Some("anthropic.top_k")),
            ("temperature", None),
        ],
    );
}
