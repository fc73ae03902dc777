//! Several messages in, one answer out.

use super::*;
use crate::protocol::TurnResult;
use serde_json::Value;

fn event(json: &str) -> Incoming {
    Incoming::Event(RawEvent::from_json(Bytes::copy_from_slice(json.as_bytes())).unwrap())
}

fn start(input_tokens: u64) -> Incoming {
    event(&format!(
        r#"{{"type":"message_start","message":{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{input_tokens},"output_tokens":1}}}}}}"#
    ))
}

/// A whole block: a text, or a call of a tool.
fn block(index: u32, block: &str) -> Vec<Incoming> {
    vec![
        event(&format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)),
        event(&format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"t"}}}}"#
        )),
        event(&format!(r#"{{"type":"content_block_stop","index":{index}}}"#)),
    ]
}

const TEXT: &str = r#"{"type":"text","text":""}"#;
const READ: &str = r#"{"type":"tool_use","id":"toolu_r","name":"Read","input":{}}"#;
const LOOK: &str = r#"{"type":"tool_use","id":"toolu_l","name":"mcp__client__look","input":{}}"#;

fn end(stop_reason: &str) -> Vec<Incoming> {
    let delta = format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{stop_reason}","stop_sequence":null}},"usage":{{"output_tokens":10}}}}"#
    );
    vec![event(&delta), event(r#"{"type":"message_stop"}"#)]
}

fn message(blocks: &[&str], stop_reason: &str) -> Vec<Incoming> {
    let mut lines = vec![start(100)];
    for (index, json) in (0..).zip(blocks) {
        lines.extend(block(index, json));
    }
    lines.extend(end(stop_reason));
    lines
}

fn merge(most: u32) -> Merge {
    let tools = r#"[{"name":"look","input_schema":{"type":"object"}}]"#;
    let tools = serde_json::value::RawValue::from_string(tools.into()).unwrap();
    Merge::new(Arc::new(Tools::read(Some(&tools), &mut messages::Ignored::default()).unwrap()), most)
}

/// The events told before the end, as name and index; and the end, if it came.
fn run(merge: &mut Merge, lines: Vec<Incoming>) -> (Vec<String>, Option<End>) {
    let mut told = Vec::new();
    for line in lines {
        match merge.take(line) {
            Merged::Wait => {}
            Merged::Forward(event) => {
                let json: Value = serde_json::from_slice(&event.data).unwrap();
                told.push(format!("{}{}", event.name.trim_start_matches("content_block_"), json["index"]));
            }
            Merged::Finish(end) => return (told, Some(end)),
            Merged::Fail(failure) => panic!("{failure:?}"),
        }
    }
    (told, None)
}

fn result() -> Incoming {
    Incoming::Result(TurnResult::default())
}

#[test]
fn two_messages_are_one_answer_without_the_built_in_call_and_over_when_the_program_says_so() {
    let mut merge = merge(9);
    let lines = message(&[TEXT, READ, TEXT], "tool_use").into_iter().chain(message(&[TEXT], "end_turn"));
    let (told, ended) = run(&mut merge, lines.collect());
    assert!(ended.is_none());
    let blocks = ["start0", "delta0", "stop0", "start1", "delta1", "stop1", "start2", "delta2", "stop2"];
    assert_eq!(told[0], "message_startnull");
    assert_eq!(told[1..], blocks);
    let (told, ended) = run(&mut merge, vec![result()]);
    let ended = ended.unwrap();
    assert!(told.is_empty() && ended.then == Then::Rests);
    assert_eq!((ended.seen.input_tokens, ended.seen.output_tokens), (200, 20));
    assert!(std::str::from_utf8(&ended.delta.data).unwrap().contains("end_turn"));
}

#[test]
fn a_call_of_the_callers_ends_the_answer_beside_a_built_in_one() {
    let mut merge = merge(9);
    run(&mut merge, message(&[READ], "tool_use"));
    let (told, ended) = run(&mut merge, message(&[READ, LOOK], "tool_use"));
    assert_eq!(told, ["start0", "delta0", "stop0"]);
    assert_eq!(ended.unwrap().then, Then::Waits(vec!["toolu_l".into()]));
}

#[test]
fn an_answer_takes_no_more_messages_than_it_may() {
    let mut merge = merge(2);
    assert!(run(&mut merge, message(&[READ], "tool_use")).1.is_none());
    let ended = run(&mut merge, message(&[TEXT, READ], "tool_use")).1.unwrap();
    assert!(ended.paused && ended.then == Then::GoesOn);
    assert!(std::str::from_utf8(&ended.delta.data).unwrap().contains("pause_turn"));
}

#[test]
fn a_message_that_ends_otherwise_ends_the_turn() {
    for stop_reason in ["max_tokens", "refusal", "brand_new"] {
        let mut merge = merge(9);
        run(&mut merge, message(&[READ], "tool_use"));
        let ended = run(&mut merge, message(&[TEXT], stop_reason)).1.unwrap();
        assert!(ended.then != Then::Rests && !ended.paused, "{stop_reason}");
    }
}

#[test]
fn a_turn_that_fails_after_its_first_message_is_a_failure() {
    let mut merge = merge(9);
    run(&mut merge, message(&[TEXT, READ], "tool_use"));
    let failed = TurnResult { is_error: true, ..TurnResult::default() };
    assert!(matches!(merge.take(Incoming::Result(failed)), Merged::Fail(_)));
    let mut merge = self::merge(9);
    run(&mut merge, message(&[READ], "tool_use"));
    // The program gave up between two messages.
    assert!(matches!(merge.take(result()), Merged::Fail(_)));
}
