//! A streamed answer, gathered by a client, is the answer that would have come whole.

use dialects::openai_responses::{Earlier, Echo, encode_answer};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checked::{RESPONSE_ID, told};
use crate::{COMPLETED, CREATED, attempt, bytes, parse};

/// The caller's tools: one of each kind, under names that the strategy below uses too.
fn echo(summary: bool, json: bool) -> Echo {
    let mut request = json!({"model": "claude-sonnet-5-5", "input": "hi", "include": ["web_search_call.action.sources"], "tools": [
        {"type": "function", "name": "plain", "parameters": {}},
        {"type": "custom", "name": "patch"},
        {"type": "local_shell"},
        {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]},
    ]});
    if json {
        request["text"] = json!({"format": {"type": "json_object"}});
    }
    if summary {
        request["reasoning"] = json!({"summary": "auto"});
    }
    attempt(request.to_string().as_bytes(), &Earlier::default(), false).unwrap().echo
}

fn block() -> impl Strategy<Value = Value> {
    let input = prop::collection::hash_map(
        "[a-z é\"\\\\]{1,6}",
        prop_oneof![".{0,9}".prop_map(Value::from), any::<i32>().prop_map(Value::from)],
        0..3,
    )
    .prop_map(|map| Value::Object(map.into_iter().collect()));
    let text_input = prop_oneof![
        3 => ".{0,20}".prop_map(|text| json!({"input": text})),
        1 => Just(json!({"other": "x"})),
        1 => Just(json!({})),
    ];
    let cited = |text: String| {
        json!({"type": "text", "text": text, "citations": [
        {"type": "web_search_result_location", "url": "https://a.example/", "title": "A", "cited_text": "x", "encrypted_index": "e"},
        {"type": "char_location", "cited_text": "x"}]})
    };
    prop_oneof![
        3 => ".{0,30}".prop_map(|text| json!({"type": "text", "text": text})),
        1 => ".{0,30}".prop_map(cited),
        1 => (".{0,30}", "[A-Za-z0-9]{0,9}").prop_map(|(text, sig)| json!({"type": "thinking", "thinking": text, "signature": sig})),
        1 => "[A-Za-z0-9]{1,9}".prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        2 => (input, prop::sample::select(vec!["plain", "unknown", "ns__f"])).prop_map(|(input, name)| json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": input})),
        2 => (text_input, prop::sample::select(vec!["patch", "ns__c"])).prop_map(|(input, name)| json!({"type": "tool_use", "id": "toolu_2", "name": name, "input": input})),
        1 => Just(json!({"type": "tool_use", "id": "toolu_3", "name": "local_shell", "input": {"command": ["ls", "-l"], "timeout_ms": 5}})),
        1 => Just(json!({"type": "tool_use", "id": "toolu_4", "name": "json_answer", "input": {"a": [1, "é"]}})),
        1 => Just(json!({"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "q é"}})),
        1 => Just(json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_01", "content": [{"type": "web_search_result", "url": "https://a.example/", "title": "A", "encrypted_content": "e"}]})),
        1 => Just(json!({"type": "from_the_future", "x": 1})),
    ]
}

/// Ids of calls are unique in what the API says; a search without result, or a result alone, happens.
fn renumbered(mut content: Vec<Value>) -> Vec<Value> {
    let mut searches = Vec::new();
    for (index, block) in content.iter_mut().enumerate() {
        if block["type"] == "server_tool_use" {
            block["id"] = format!("srvtoolu_{index}").into();
            searches.push(block["id"].clone());
        } else if block["type"] == "web_search_tool_result" {
            block["tool_use_id"] = searches.pop().unwrap_or(json!("srvtoolu_none"));
        }
    }
    content
}

fn message() -> impl Strategy<Value = Value> {
    let reason = prop::sample::select(vec![
        "end_turn",
        "max_tokens",
        "tool_use",
        "stop_sequence",
        "refusal",
        "pause_turn",
        "model_context_window_exceeded",
        "new_one",
    ]);
    let content = prop::collection::vec(block(), 0..6).prop_map(renumbered);
    (content, reason, 0..9999_u64, 1..9999_u64).prop_map(|(content, reason, input, output)| {
        json!({"id": "msg_7", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": reason,
            "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 5}})
    })
}

/// The stream that this message comes in, strings cut into pieces of `cut` letters.
pub(crate) fn events(message: &Value, cut: usize) -> Vec<Value> {
    let mut head = message.clone();
    head["content"] = json!([]);
    let mut events = vec![json!({"type": "message_start", "message": head})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let (mut start, mut deltas) = (block.clone(), Vec::new());
        let streamed: &[(&str, &str, &str)] = match block["type"].as_str().unwrap() {
            "text" => &[("text", "text_delta", "text")],
            "thinking" => {
                &[("thinking", "thinking_delta", "thinking"), ("signature", "signature_delta", "signature")]
            }
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                &[("input", "input_json_delta", "partial_json")]
            }
            _ => &[],
        };
        for (member, kind, delta_member) in streamed {
            let whole = block[*member].as_str().map_or_else(|| block[*member].to_string(), str::to_owned);
            start[*member] = if *member == "input" { json!({}) } else { "".into() };
            let letters: Vec<char> = whole.chars().collect();
            for piece in letters.chunks(cut) {
                deltas.push(json!({"type": kind, *delta_member: piece.iter().collect::<String>()}));
            }
        }
        if let Some(citations) = block["citations"].as_array() {
            start["citations"] = json!([]);
            // They come between the pieces of the text that they are for.
            let at = deltas.len() / 2;
            let cited =
                citations.iter().map(|citation| json!({"type": "citations_delta", "citation": citation}));
            deltas.splice(at..at, cited.collect::<Vec<_>>());
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut delta = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    if !message["stop_details"].is_null() {
        delta["stop_details"] = message["stop_details"].clone();
    }
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": message["usage"]["output_tokens"]}}));
    events.push(json!({"type": "message_stop"}));
    events
}

proptest! {
    #[test]
    fn the_response_of_a_stream_is_the_whole_answer(message in message(), cut in 1..9_usize, summary: bool, json: bool, queued: bool) {
        let whole = encode_answer(&bytes(&message), echo(summary, json), RESPONSE_ID, CREATED, COMPLETED).unwrap();
        let streamed = told(echo(summary, json), &events(&message, cut), queued);
        prop_assert_eq!(streamed.response, parse(&whole));
    }
}

proptest! {
    // Each case is as many streams as it has events.
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_stream_that_lacks_its_end_is_never_finished(message in message(), cut in 3..9_usize) {
        let events = events(&message, cut);
        for length in 0..events.len() {
            let told = told(echo(true, false), &events[..length], false);
            prop_assert_eq!(&told.response["status"], "failed");
            let expected = if length == 0 { "error" } else { "response.failed" };
            prop_assert_eq!(&told.events.last().unwrap()["type"], expected);
        }
    }
}

#[test]
fn every_delta_is_told_before_the_next_one_comes() {
    let message = json!({"id": "msg_7", "model": "m", "stop_reason": "end_turn", "usage": {}, "content": [
        {"type": "thinking", "thinking": "ab", "signature": "s"}, {"type": "text", "text": "ab"},
        {"type": "tool_use", "id": "toolu_1", "name": "plain", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "patch", "input": {"input": "ab"}}]});
    let all = events(&message, 1);
    let count = |length: usize| told(echo(true, false), &all[..length], false).events.len();
    for (position, event) in all.iter().enumerate() {
        let delta = &event["delta"];
        let silent =
            delta["type"] == "signature_delta" || event["index"] == 3 && delta["type"] == "input_json_delta";
        if event["type"] == "content_block_delta" && !silent {
            assert!(count(position + 1) > count(position), "{event}");
        }
    }
}

#[test]
fn a_failed_response_keeps_what_was_done() {
    let message = json!({"id": "msg_7", "model": "m", "stop_reason": "end_turn", "usage": {}, "content": [
        {"type": "thinking", "thinking": "ab", "signature": "s"}, {"type": "text", "text": "ab"}]});
    let mut list = events(&message, 9);
    list.truncate(list.len() - 2);
    list.push(json!({"type": "error", "error": {"type": "overloaded_error", "message": "full"}}));
    let told = told(echo(true, false), &list, false);
    assert_eq!(told.response["error"], json!({"code": "server_error", "message": "full"}));
    assert_eq!(told.response["output"].as_array().unwrap().len(), 1);
}
