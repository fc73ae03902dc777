//! Everything that the encoder says goes through here, and so is held against the grammar.

use bytes::BytesMut;
use dialects::openai_responses::grammar::Checker;
use dialects::openai_responses::{Echo, EventEncoder, error_from_event};
use messages::{ApiError, ErrorKind, Event, EventError};
use serde_json::{Value, json};

use crate::{COMPLETED, CREATED, parse};

pub(crate) const RESPONSE_ID: &str = "resp_0193f00d";

/// What came of the events, and the response object at the end.
pub(crate) struct Told {
    pub(crate) events: Vec<Value>,
    pub(crate) response: Value,
}

/// The events of this list as a client sees them; an error ends them as it would in the server.
pub(crate) fn told(echo: Echo, list: &[Value], queued: bool) -> Told {
    let (mut encoder, mut out) = (EventEncoder::new(echo, RESPONSE_ID, CREATED), BytesMut::new());
    if queued {
        encoder.queue(&mut out);
    }
    let failed = list.iter().find_map(|event| {
        let data = event.to_string();
        let event = Event::parse(data.as_bytes()).unwrap();
        let problem = encoder.push(&event, &mut out).err()?;
        Some(match &event {
            Event::Error(body) => error_from_event(body),
            _ => ApiError::new(ErrorKind::Api, problem.to_string()),
        })
    });
    let failed = failed.or_else(|| {
        let problem = encoder.finish(COMPLETED, &mut out).err()?;
        Some(ApiError::new(ErrorKind::Api, problem.to_string()))
    });
    if let Some(failed) = failed {
        encoder.fail(&failed, &mut out);
    }
    let before = out.len();
    encoder.fail(&ApiError::new(ErrorKind::Api, "late"), &mut out);
    assert_eq!(encoder.finish(COMPLETED, &mut out), Err(EventError::Incomplete));
    assert_eq!(out.len(), before, "nothing follows the end");
    let events = checked(&out);
    assert_eq!(u64::try_from(events.len()).unwrap(), encoder.next_sequence_number());
    let response = parse(&encoder.response());
    let last = events.last().unwrap();
    assert!(last["type"] == "error" || last["response"] == response);
    Told { events, response }
}

/// The SSE events in these bytes, if they keep to the grammar.
pub(crate) fn checked(sse: &[u8]) -> Vec<Value> {
    let mut checker = Checker::default();
    let text = std::str::from_utf8(sse).unwrap();
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n").map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        checker.push(name, data.as_bytes()).unwrap_or_else(|violation| panic!("{violation}\n{text}"));
        parse(data.as_bytes())
    });
    let events = events.collect();
    checker.finish().unwrap();
    events
}

#[test]
fn the_grammar_is_not_blind() {
    let message = json!({"id": "msg_1", "model": "m", "content": [{"type": "text", "text": "Hello"}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
        "stop_reason": "tool_use", "usage": {}});
    let events = told(Echo::default(), &crate::streaming::events(&message, 2), false).events;
    let judge = |events: &[Value]| {
        let mut checker = Checker::default();
        let broken = events.iter().find_map(|event| {
            checker.push(event["type"].as_str().unwrap(), event.to_string().as_bytes()).err()
        });
        broken.or(checker.finish().err())
    };
    assert_eq!(judge(&events), None);
    for left_out in 0..events.len() {
        let mut fewer = events.clone();
        fewer.remove(left_out);
        assert!(judge(&fewer).is_some(), "without {}", events[left_out]);
        // Counted anew, so that not the numbers alone give it away.
        for (number, event) in fewer.iter_mut().enumerate() {
            event["sequence_number"] = number.into();
        }
        assert!(judge(&fewer).is_some(), "without {}", events[left_out]);
    }
    for position in 0..events.len() - 1 {
        let mut swapped = events.clone();
        swapped.swap(position, position + 1);
        for (number, event) in swapped.iter_mut().enumerate() {
            event["sequence_number"] = number.into();
        }
        assert!(judge(&swapped).is_some(), "{} after {}", events[position], events[position + 1]);
    }
}
