//! A streamed answer, gathered by a client, is the answer that would have come whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::BytesMut;
use dialects::openai_chat::{ChunkEncoder, encode_answer, error_from_event};
use messages::{ApiError, Event, EventError};
use proptest::prelude::*;
use serde_json::{Value, json};

fn block() -> impl Strategy<Value = Value> {
    let input = prop::collection::hash_map(
        "[a-z é\"\\\\]{1,6}",
        prop_oneof![".{0,9}".prop_map(Value::from), any::<i32>().prop_map(Value::from)],
        0..3,
    )
    .prop_map(|map| Value::Object(map.into_iter().collect()));
    prop_oneof![
        3 => ".{0,30}".prop_map(|text| json!({"type": "text", "text": text})),
        1 => (".{0,30}", "[A-Za-z0-9]{1,9}").prop_map(|(text, sig)| json!({"type": "thinking", "thinking": text, "signature": sig})),
        1 => "[A-Za-z0-9]{1,9}".prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        2 => (input, "[a-z_]{1,9}").prop_map(|(input, name)| json!({"type": "tool_use", "id": format!("toolu_{name}"), "name": name, "input": input})),
        1 => Just(json!({"type": "from_the_future", "x": 1})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let reason = prop::sample::select(vec![
        "end_turn",
        "max_tokens",
        "tool_use",
        "stop_sequence",
        "refusal",
        "pause_turn",
        "new_one",
    ]);
    (prop::collection::vec(block(), 0..5), reason, 0..9999_u64, 1..9999_u64).prop_map(|(content, reason, input, output)| {
        json!({"id": "msg_7", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": reason,
            "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 5}})
    })
}

fn events(message: &Value, cut: usize) -> Vec<Value> {
    let mut head = message.clone();
    head["content"] = json!([]);
    head["usage"]["output_tokens"] = 1.into();
    let mut events = vec![json!({"type": "message_start", "message": head})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let (mut start, mut deltas) = (block.clone(), Vec::new());
        let streamed: &[(&str, &str, &str)] = match block["type"].as_str().unwrap() {
            "text" => &[("text", "text_delta", "text")],
            "thinking" => {
                &[("thinking", "thinking_delta", "thinking"), ("signature", "signature_delta", "signature")]
            }
            "tool_use" => &[("input", "input_json_delta", "partial_json")],
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
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": message["usage"]["output_tokens"]}}));
    events.push(json!({"type": "message_stop"}));
    events
}

fn encode(events: &[Value]) -> Result<Vec<Value>, EventError> {
    let (mut encoder, mut out) = (ChunkEncoder::new("gpt-4o", 1, true), BytesMut::new());
    for event in events {
        let data = event.to_string();
        encoder.push(&Event::parse(data.as_bytes()).unwrap(), &mut out)?;
    }
    encoder.finish(&mut out)?;
    let text = String::from_utf8(out.to_vec()).unwrap();
    let frames: Vec<&str> =
        text.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(frames.last(), Some(&"[DONE]"));
    Ok(frames[..frames.len() - 1].iter().map(|frame| serde_json::from_str(frame).unwrap()).collect())
}

/// The grammar of a chat completion's stream, and what a client that follows it ends up with.
fn gather(chunks: &[Value]) -> Value {
    let (usage, chunks) = chunks.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    let (last, deltas) = chunks.split_last().unwrap();
    assert_eq!(last["choices"][0]["delta"], json!({}));
    assert_eq!(deltas[0]["choices"][0]["delta"]["role"], "assistant");
    let mut message = json!({"role": "assistant", "content": "", "refusal": null});
    for (position, chunk) in deltas.iter().enumerate() {
        assert_eq!((&chunk["id"], &chunk["usage"]), (&usage["id"], &Value::Null));
        let choice = &chunk["choices"][0];
        assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &Value::Null));
        let delta = choice["delta"].as_object().unwrap();
        assert_eq!(delta.contains_key("role"), position == 0, "the role comes first and once");
        for (name, value) in delta {
            match name.as_str() {
                "role" => {}
                "content" | "refusal" | "reasoning_content" => append(&mut message[name], value),
                _ => join(&mut message[name], &value[0]),
            }
        }
    }
    json!({"id": usage["id"], "object": "chat.completion", "created": usage["created"], "model": usage["model"], "usage": usage["usage"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": last["choices"][0]["finish_reason"]}]})
}

fn append(to: &mut Value, more: &Value) {
    *to = format!("{}{}", to.as_str().unwrap_or_default(), more.as_str().unwrap()).into();
}

/// Joins a tool call or reasoning detail to the one of its index; a new index is the next one.
fn join(list: &mut Value, piece: &Value) {
    if list.is_null() {
        *list = json!([]);
    }
    let list = list.as_array_mut().unwrap();
    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
    if index == list.len() {
        let opens_call = piece["function"]["arguments"] == ""
            && piece["id"].is_string()
            && piece["function"]["name"].is_string();
        assert!(opens_call || piece["type"].as_str().is_some_and(|kind| kind.starts_with("reasoning.")));
        list.push(piece.clone());
        return;
    }
    assert_eq!(index + 1, list.len(), "one call is open at a time");
    if piece["function"].is_object() {
        assert!(piece.get("id").is_none() && piece["function"].get("name").is_none());
        append(&mut list[index]["function"]["arguments"], &piece["function"]["arguments"]);
        return;
    }
    for member in ["text", "signature"] {
        if piece[member].is_string() {
            append(&mut list[index][member], &piece[member]);
        }
    }
}

/// What may differ between the two: `content` of an answer that says nothing, how JSON in arguments is spaced.
fn comparable(mut completion: Value) -> Value {
    let message = &mut completion["choices"][0]["message"];
    if message["content"].is_null() {
        message["content"] = "".into();
    }
    for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
        call.as_object_mut().unwrap().remove("index");
        let arguments = call["function"]["arguments"].as_str().unwrap();
        call["function"]["arguments"] = serde_json::from_str(arguments).unwrap();
    }
    for detail in message["reasoning_details"].as_array_mut().into_iter().flatten() {
        if detail["text"] == "" {
            detail.as_object_mut().unwrap().remove("text");
        }
    }
    completion
}

proptest! {
    #[test]
    fn a_gathered_stream_is_the_whole_answer(message in message(), cut in 1..9_usize) {
        let whole = serde_json::from_slice(&encode_answer(message.to_string().as_bytes(), "gpt-4o", 1).unwrap()).unwrap();
        let gathered = gather(&encode(&events(&message, cut)).unwrap());
        prop_assert_eq!(comparable(gathered), comparable(whole));
    }

    #[test]
    fn a_stream_that_lacks_its_end_is_never_finished(message in message(), cut in 1..9_usize) {
        let events = events(&message, cut);
        for length in 0..events.len() {
            prop_assert!(encode(&events[..length]).is_err());
        }
    }
}

#[test]
fn a_failed_stream_ends_in_the_error_and_says_nothing_more() {
    let message = json!({"id": "msg_7", "model": "m", "content": [], "stop_reason": "end_turn", "usage": {}});
    let (mut encoder, mut out) = (ChunkEncoder::new("m", 1, false), BytesMut::new());
    let start = events(&message, 1)[0].to_string();
    encoder.push(&Event::parse(start.as_bytes()).unwrap(), &mut out).unwrap();
    out.clear();
    let event = br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    let event = Event::parse(event).unwrap();
    assert_eq!(encoder.push(&event, &mut out), Err(EventError::Upstream("rate_limit_error".into())));
    let Event::Error(body) = &event else { return };
    let error: ApiError = error_from_event(body);
    encoder.fail(&error, &mut out);
    encoder.fail(&error, &mut out);
    assert_eq!(encoder.finish(&mut out), Err(EventError::Incomplete));
    let expected = r#"data: {"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#;
    assert_eq!(out, format!("{expected}\n\n"));
}

#[test]
fn arguments_that_the_start_tells_are_not_lost() {
    let block = json!({"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}});
    let message = json!({"id": "msg_7", "model": "m", "content": [], "stop_reason": "tool_use", "usage": {}});
    let mut list = events(&message, 1);
    list.insert(1, json!({"type": "content_block_start", "index": 0, "content_block": block}));
    list.insert(2, json!({"type": "content_block_stop", "index": 0}));
    let gathered = gather(&encode(&list).unwrap());
    assert_eq!(gathered["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], r#"{"a":1}"#);
}
