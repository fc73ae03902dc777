//! A streamed answer, gathered by a client, is the answer that would have come whole.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod translation;

use bytes::BytesMut;
use dialects::openai_chat::{ChoicesEncoder, Shape, error_from_event};
use messages::{ApiError, Event, EventError};
use proptest::prelude::*;
use serde_json::{Value, json};
use translation::{heading, streamed, whole};

fn block() -> impl Strategy<Value = Value> {
    let input = prop::collection::hash_map(
        "[a-z é\"\\\\]{1,6}",
        prop_oneof![".{0,9}".prop_map(Value::from), any::<i32>().prop_map(Value::from)],
        0..3,
    )
    .prop_map(|map| Value::Object(map.into_iter().collect()));
    let input = prop_oneof![2 => input, 1 => ".{0,20}".prop_map(|text| json!({"input": text}))];
    let name = prop::sample::select(vec!["look", "write", "json_answer"]);
    let citation = prop::sample::select(vec!["https://a.example/", "https://b.example/"]).prop_map(|url| {
        json!({"type": "web_search_result_location", "url": url, "title": "A page", "cited_text": "x", "encrypted_index": "e"})
    });
    prop_oneof![
        3 => ".{0,30}".prop_map(|text| json!({"type": "text", "text": text})),
        1 => (".{1,30}", prop::collection::vec(citation, 1..4)).prop_map(|(text, cited)| json!({"type": "text", "text": text, "citations": cited})),
        1 => (".{0,30}", "[A-Za-z0-9]{1,9}").prop_map(|(text, sig)| json!({"type": "thinking", "thinking": text, "signature": sig})),
        1 => "[A-Za-z0-9]{1,9}".prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        2 => (input, name).prop_map(|(input, name)| json!({"type": "tool_use", "id": format!("toolu_{name}"), "name": name, "input": input})),
        1 => Just(json!({"type": "from_the_future", "x": 1})),
    ]
}

/// What an answer may have to be turned back to.
fn shape() -> impl Strategy<Value = Shape> {
    prop::sample::select(vec![
        Shape::default(),
        Shape { custom_tools: ["write".to_owned()].into(), ..Shape::default() },
        Shape { content_tool: Some("json_answer".into()), ..Shape::default() },
        Shape { functions: true, ..Shape::default() },
        Shape { text: true, ..Shape::default() },
        Shape { text: true, echo: vec!["Once ".into(), "é".into(), "x".into()], ..Shape::default() },
    ])
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
        if let Some(citations) = block["citations"].as_array() {
            start["citations"] = json!([]);
            deltas
                .extend(citations.iter().map(|cited| json!({"type": "citations_delta", "citation": cited})));
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

/// The streams of several answers, their events interleaved.
fn interleaved(streams: Vec<Vec<Value>>) -> Vec<(usize, Value)> {
    let mut turns: Vec<(usize, usize, Value)> = Vec::new();
    for (choice, events) in streams.into_iter().enumerate() {
        turns.extend(events.into_iter().enumerate().map(|(turn, event)| (turn, choice, event)));
    }
    turns.sort_by_key(|(turn, choice, _)| (*turn, *choice));
    turns.into_iter().map(|(_, choice, event)| (choice, event)).collect()
}

/// What a client ends up with that follows the stream.
fn gather(frames: &[Value], choices: usize, text: bool) -> Value {
    let [chunks @ .., usage, done] = frames else { panic!("{frames:?}") };
    assert_eq!(done, "[DONE]");
    let mut gathered: Vec<Value> = (0..choices).map(|index| empty(index, text)).collect();
    for chunk in chunks {
        let choice = &chunk["choices"][0];
        let into = &mut gathered[usize::try_from(choice["index"].as_u64().unwrap()).unwrap()];
        if choice["finish_reason"].is_string() {
            into["finish_reason"] = choice["finish_reason"].clone();
        }
        if text {
            append(&mut into["text"], &choice["text"]);
            continue;
        }
        for (name, value) in choice["delta"].as_object().unwrap() {
            let message = &mut into["message"];
            match name.as_str() {
                "role" => {}
                "content" | "refusal" | "reasoning_content" => append(&mut message[name], value),
                "function_call" => call(&mut message[name], value),
                "annotations" => extend(&mut message[name], value),
                _ => join(&mut message[name], &value[0]),
            }
        }
    }
    let object = if text { "text_completion" } else { "chat.completion" };
    json!({"id": usage["id"], "object": object, "created": usage["created"], "model": usage["model"],
        "usage": usage["usage"], "choices": gathered})
}

fn empty(index: usize, text: bool) -> Value {
    if text {
        return json!({"index": index, "text": "", "logprobs": null});
    }
    json!({"index": index, "message": {"role": "assistant", "content": "", "refusal": null}, "logprobs": null})
}

fn append(to: &mut Value, more: &Value) {
    *to = format!("{}{}", to.as_str().unwrap_or_default(), more.as_str().unwrap()).into();
}

fn extend(to: &mut Value, more: &Value) {
    let mut list = to.as_array().cloned().unwrap_or_default();
    list.extend(more.as_array().unwrap().clone());
    *to = list.into();
}

/// Joins a function call's name and arguments.
fn call(to: &mut Value, piece: &Value) {
    if piece["name"].is_string() {
        to["name"] = piece["name"].clone();
    }
    append(&mut to["arguments"], &piece["arguments"]);
}

/// Joins a tool call or reasoning detail to the one of its index.
fn join(list: &mut Value, piece: &Value) {
    if list.is_null() {
        *list = json!([]);
    }
    let list = list.as_array_mut().unwrap();
    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
    if index == list.len() {
        list.push(piece.clone());
        return;
    }
    for (kind, member) in [("function", "arguments"), ("custom", "input")] {
        if piece[kind].is_object() {
            append(&mut list[index][kind][member], &piece[kind][member]);
        }
    }
    for member in ["text", "signature"] {
        if piece[member].is_string() {
            append(&mut list[index][member], &piece[member]);
        }
    }
}

/// What may differ between the two: `content` of an answer that says nothing, how JSON in arguments is spaced.
fn comparable(mut completion: Value) -> Value {
    for choice in completion["choices"].as_array_mut().unwrap() {
        let message = &mut choice["message"];
        if message.is_null() {
            choice.as_object_mut().unwrap().remove("message");
            continue;
        }
        if message["content"].is_null() {
            message["content"] = "".into();
        }
        for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
            call.as_object_mut().unwrap().remove("index");
            if let Some(arguments) = call["function"]["arguments"].as_str() {
                call["function"]["arguments"] = serde_json::from_str(arguments).unwrap();
            } else {
                call.as_object_mut().unwrap().remove("function");
            }
        }
        for detail in message["reasoning_details"].as_array_mut().into_iter().flatten() {
            if detail["text"] == "" {
                detail.as_object_mut().unwrap().remove("text");
            }
        }
    }
    completion
}

fn one(events: &[Value]) -> Result<Vec<Value>, EventError> {
    let events: Vec<_> = events.iter().map(|event| (0, event.clone())).collect();
    streamed(&events, 1, &Shape::default())
}

proptest! {
    #[test]
    fn a_gathered_stream_is_the_whole_answer(answers in prop::collection::vec(message(), 1..4), cut in 1..9_usize, shape in shape()) {
        let whole = whole(&answers, &shape).unwrap();
        let streams = answers.iter().map(|answer| events(answer, cut)).collect();
        let frames = streamed(&interleaved(streams), answers.len(), &shape).unwrap();
        prop_assert_eq!(comparable(gather(&frames, answers.len(), shape.text)), comparable(whole));
    }

    #[test]
    fn a_stream_that_lacks_its_end_is_never_finished(message in message(), cut in 1..9_usize) {
        let events = events(&message, cut);
        for length in 0..events.len() {
            prop_assert!(one(&events[..length]).is_err());
        }
    }

    #[test]
    fn a_stream_in_which_one_choice_lacks_its_end_is_never_finished(message in message(), cut in 1..9_usize) {
        let whole = events(&message, cut);
        let part = whole[..whole.len() - 1].to_vec();
        prop_assert!(streamed(&interleaved(vec![whole, part]), 2, &Shape::default()).is_err());
    }
}

#[test]
fn a_failed_stream_ends_in_the_error_and_says_nothing_more() {
    let message = json!({"id": "msg_7", "model": "m", "content": [], "stop_reason": "end_turn", "usage": {}});
    let (mut encoder, mut out) = (ChoicesEncoder::new(&heading(Shape::default()), 1), BytesMut::new());
    let start = events(&message, 1)[0].to_string();
    encoder.push(0, &Event::parse(start.as_bytes()).unwrap(), &mut out).unwrap();
    out.clear();
    let event = br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    let event = Event::parse(event).unwrap();
    assert_eq!(encoder.push(0, &event, &mut out), Err(EventError::Upstream("rate_limit_error".into())));
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
    let gathered = gather(&one(&list).unwrap(), 1, false);
    assert_eq!(gathered["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], r#"{"a":1}"#);
}
