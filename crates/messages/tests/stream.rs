//! A message cut into events in any legal way is accepted by the grammar and folds back into itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use messages::grammar::Checker;
use messages::{Accumulator, Event, EventError, Message, Meter, RawEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A message, and where its strings are cut when it is streamed.
#[derive(Clone, Debug)]
struct Cut {
    message: Value,
    seed: usize,
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::hash_map("[a-z\"\\\\é]{1,6}", json_value(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn block() -> impl Strategy<Value = Value> {
    let citation = object().prop_map(|mut citation| {
        citation["type"] = "char_location".into();
        citation
    });
    prop_oneof![
        ".{0,40}".prop_map(|text| json!({"type": "text", "text": text})),
        (".{0,40}", prop::collection::vec(citation, 1..3))
            .prop_map(|(text, list)| json!({"type": "text", "text": text, "citations": list})),
        (".{0,40}", "[A-Za-z0-9+/]{4,20}")
            .prop_map(|(text, sig)| json!({"type": "thinking", "thinking": text, "signature": sig})),
        "[A-Za-z0-9]{1,20}".prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        (object(), "[a-z_]{1,10}").prop_map(|(input, name)| {
            json!({"type": "tool_use", "id": format!("toolu_{name}"), "name": name, "input": input, "caller": {"type": "direct"}})
        }),
        (object(), Just("srvtoolu_1")).prop_map(|(input, id)| {
            json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": input})
        }),
        (json_value(), ".{0,20}")
            .prop_map(|(extra, content)| json!({"type": "from_the_future", "extra": extra, "content": content})),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    let blocks = prop::collection::vec(block(), 0..5);
    (blocks, 1..200_000_u64, 1..9_000_u64, any::<usize>(), json_value()).prop_map(
        |(content, input, output, seed, extra)| {
            let message = json!({
                "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "new_field": extra,
                "content": content, "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null,
                "usage": {"input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 7, "service_tier": "standard"},
            });
            Cut { message, seed }
        },
    )
}

impl Cut {
    fn events(&self) -> Vec<RawEvent> {
        let mut head = self.message.clone();
        head["content"] = json!([]);
        head["stop_reason"] = Value::Null;
        head["usage"]["output_tokens"] = 1.into();
        let mut events = vec![json!({"type": "message_start", "message": head}), json!({"type": "ping"})];
        for (index, block) in self.message["content"].as_array().unwrap().iter().enumerate() {
            self.block(index, block, &mut events);
        }
        let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
        let usage = json!({"output_tokens": self.message["usage"]["output_tokens"]});
        events.push(json!({"type": "message_delta", "delta": delta, "usage": usage}));
        events.push(json!({"type": "message_stop"}));
        events.iter().map(raw).collect()
    }

    fn block(&self, index: usize, block: &Value, events: &mut Vec<Value>) {
        let mut start = block.clone();
        let mut deltas = Vec::new();
        let mut stream = |member: &str, kind: &str, start: &mut Value| {
            let whole = start[member].as_str().unwrap_or_default().to_owned();
            start[member] = "".into();
            deltas.extend(self.pieces(&whole).into_iter().map(|piece| json!({"type": kind, member: piece})));
        };
        match block["type"].as_str().unwrap() {
            "text" => {
                stream("text", "text_delta", &mut start);
                for citation in block["citations"].as_array().into_iter().flatten() {
                    deltas.push(json!({"type": "citations_delta", "citation": citation}));
                    start["citations"] = json!([]);
                }
            }
            "thinking" => {
                stream("thinking", "thinking_delta", &mut start);
                stream("signature", "signature_delta", &mut start);
            }
            "tool_use" | "server_tool_use" => {
                let input = block["input"].to_string();
                start["input"] = json!({});
                let pieces = self.pieces(&input).into_iter();
                deltas.extend(pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})));
            }
            "from_the_future" => stream("content", "content_delta_from_the_future", &mut start),
            _ => {}
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }

    fn pieces(&self, whole: &str) -> Vec<String> {
        let letters: Vec<char> = whole.chars().collect();
        letters.chunks(1 + self.seed % 7).map(|piece| piece.iter().collect()).collect()
    }
}

fn raw(event: &Value) -> RawEvent {
    RawEvent::from_json(event.to_string().into()).unwrap()
}

fn check(events: &[RawEvent]) -> Result<(), String> {
    let mut checker = Checker::default();
    for event in events {
        checker.push(&event.name, &event.data).map_err(|violation| violation.rule.to_owned())?;
    }
    checker.finish().map_err(|violation| violation.rule.to_owned())
}

fn fold(events: &[RawEvent]) -> Result<Value, EventError> {
    let mut accumulator = Accumulator::default();
    for event in events {
        accumulator.push(event)?;
    }
    Ok(serde_json::from_slice(&accumulator.finish()?).unwrap())
}

proptest! {
    #[test]
    fn the_events_of_a_message_fold_back_into_it(cut in cut()) {
        prop_assert_eq!(fold(&cut.events()).unwrap(), cut.message);
    }

    #[test]
    fn the_grammar_takes_every_legal_stream_and_no_shortened_one(cut in cut()) {
        let events = cut.events();
        prop_assert_eq!(check(&events), Ok(()));
        for length in 0..events.len() {
            prop_assert!(check(&events[..length]).is_err());
            prop_assert!(fold(&events[..length]).is_err());
        }
    }

    #[test]
    fn a_stream_and_its_message_are_metered_alike(cut in cut()) {
        let (mut streamed, mut whole) = (Meter::default(), Meter::default());
        for event in cut.events() {
            streamed.event(&event.name, &event.data);
        }
        whole.json_answer(cut.message.to_string().as_bytes());
        prop_assert_eq!(streamed.usage(), whole.usage());
        prop_assert_eq!(streamed.stop_reason(), whole.stop_reason());
        prop_assert!(streamed.finished() && whole.finished());
    }

    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-z0-9\\\\ ]{0,80}") {
        for input in [bytes.as_slice(), text.as_bytes()] {
            let _ = Event::parse(input);
            let _ = Message::parse(input);
            let _ = messages::request::Request::parse(input);
        }
    }
}

fn sample() -> Vec<RawEvent> {
    let content = json!([{"type": "text", "text": "hello"}, {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}}]);
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "x", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2}});
    Cut { message, seed: 6 }.events()
}

#[test]
fn typical_illegal_streams_are_refused_with_the_rule_they_break() {
    let names: Vec<String> = sample().iter().map(|event| event.name.to_string()).collect();
    assert_eq!(
        names.join(" "),
        "message_start ping content_block_start content_block_delta content_block_stop content_block_start \
         content_block_delta content_block_stop message_delta message_stop"
    );
    type Change = fn(&mut Vec<RawEvent>);
    let cases: [(&str, Change); 11] = [
        ("message_start comes first", |events| drop(events.remove(0))),
        ("message_start comes once", |events| events.insert(1, events[0].clone())),
        ("one block is open at a time", |events| drop(events.remove(4))),
        ("a delta or stop names the open block", |events| drop(events.remove(2))),
        ("block indices count from 0 without gaps", |events| drop(events.drain(2..5))),
        ("all blocks are stopped before the message ends", |events| drop(events.remove(7))),
        ("message_delta comes before message_stop", |events| drop(events.remove(8))),
        ("no content follows message_delta", |events| events.swap(5, 8)),
        ("nothing follows message_stop or error", |events| events.push(events[9].clone())),
        ("a delta fits its block", |events| {
            let delta = json!({"type": "thinking_delta", "thinking": "hm"});
            events[3] = raw(&json!({"type": "content_block_delta", "index": 0, "delta": delta}));
        }),
        ("the SSE event name is the type in the data", |events| events[1].name = "message_stop".into()),
    ];
    for (rule, change) in cases {
        let mut events = sample();
        change(&mut events);
        assert_eq!(check(&events), Err(rule.to_owned()));
    }
}

#[test]
fn an_error_event_ends_a_stream_legally_and_is_no_answer() {
    let mut events = sample();
    events.truncate(4);
    events.push(raw(&json!({"type": "error", "error": {"type": "overloaded_error", "message": "full"}})));
    assert_eq!(check(&events), Ok(()));
    assert_eq!(fold(&events), Err(EventError::Upstream("overloaded_error".into())));
}

#[test]
fn long_numbers_and_the_order_of_keys_survive_folding() {
    let mut events = sample();
    let delta = r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"z\":12345678901234567890123,\"a\":1.10}"}}"#;
    events[6] = RawEvent::from_json(delta.into()).unwrap();
    let mut accumulator = Accumulator::default();
    events.iter().try_for_each(|event| accumulator.push(event)).unwrap();
    let folded = accumulator.finish().unwrap();
    let folded = std::str::from_utf8(&folded).unwrap();
    assert!(folded.contains(r#""input":{"z":12345678901234567890123,"a":1.10}"#), "{folded}");
}

#[test]
fn an_events_problem_says_where_but_not_what_the_model_said() {
    let error = Event::parse(
        br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":["secret"]}}"#,
    );
    let told = error.unwrap_err().to_string();
    assert!(
        told.starts_with("malformed event: unexpected shape at line 1") && !told.contains("secret"),
        "{told}"
    );
}
