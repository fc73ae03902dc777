//! Requests that went wrong, for the tests of each dialect.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod dice;

use std::fmt::Debug;

use bytes::Bytes;
use dialects::openai_chat::error_status;
use messages::ApiError;
use messages::request::Request;
use serde_json::{Value, json};

use dice::Dice;

const MUTATIONS: usize = 3000;

/// Mutates these legal requests many times; what is `translated` to must be what the Messages API takes (`parses`),
/// and what is refused must be named by a path of the request.
pub(crate) fn mutate_all<T: Debug>(
    seeds: &[Value],
    pieces: &[Value],
    attempt: impl Fn(&[u8]) -> Result<T, ApiError>,
    body_of: impl Fn(&T) -> Bytes,
) {
    let mut dice = Dice(20_261_122);
    let (mut translated, mut refused) = (0, 0);
    for _ in 0..MUTATIONS {
        let mut body = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(2) {
            let mut number = dice.below(count(&body));
            change(&mut body, &mut number, pieces, &mut dice);
        }
        let text = body.to_string();
        match attempt(text.as_bytes()) {
            Ok(done) => {
                translated += 1;
                let made = body_of(&done);
                let checked = Request::parse(&made);
                let free_hand = body.get("anthropic").is_some_and(|over| !over.is_null());
                assert!(free_hand || checked.is_ok(), "{text}\nbecame {done:?}\n{:?}", checked.err());
            }
            Err(error) => {
                refused += 1;
                assert!((400..500).contains(&error_status(&error)), "{text}: {error:?}");
                let named = error.path.as_deref().is_some_and(|path| leads_somewhere(path, &body));
                assert!(named || !body.is_object(), "{text}: {error:?}");
            }
        }
    }
    assert!(translated > 500 && refused > 500, "{translated} translated, {refused} refused");
}

/// Breaks the bytes of these requests: cut off, one byte changed, noise in between.
pub(crate) fn break_all(seeds: &[Value], mut attempt: impl FnMut(&[u8])) {
    let mut dice = Dice(7);
    for _ in 0..2000 {
        let mut bytes = seeds[dice.below(seeds.len())].to_string().into_bytes();
        let at = dice.below(bytes.len());
        match dice.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
            _ => {
                let noise = ["[", "{\"a\":", "\"", "\\ud800", "\u{2028}", ",,"][dice.below(6)]
                    .repeat(1 + dice.below(300));
                bytes.splice(at..at, noise.into_bytes());
            }
        }
        attempt(&bytes);
    }
}

/// Whether the path is one of the body's, up to a last member that is missing.
fn leads_somewhere(path: &str, body: &Value) -> bool {
    let steps: Vec<&str> = path.split(['.', '[']).collect();
    let mut place = body;
    for (number, step) in steps.iter().enumerate() {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| place.get(index)),
            None => place.get(step),
        };
        match next {
            Some(next) => place = next,
            None => return number + 1 == steps.len(),
        }
    }
    true
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the node with this number, counted depth first.
fn change(value: &mut Value, number: &mut usize, pieces: &[Value], dice: &mut Dice) {
    if *number == 0 {
        *number = usize::MAX;
        mutate(value, pieces, dice);
        return;
    }
    *number -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        let size = count(child);
        if *number < size {
            return change(child, number, pieces, dice);
        }
        *number -= size;
    }
}

fn mutate(value: &mut Value, pieces: &[Value], dice: &mut Dice) {
    let mut others = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(12_345_678_901_u64),
        json!(""),
        json!(" "),
        json!("x\u{0}\u{fffd}"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({"type": "text"}),
        json!({"type": null}),
    ];
    others.extend_from_slice(pieces);
    match (dice.below(3), &mut *value) {
        (0, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(dice.below(map.len())).unwrap().clone();
            map.remove(&key);
        }
        (0, Value::Array(list)) if !list.is_empty() => {
            let again = list[dice.below(list.len())].clone();
            list.push(again);
        }
        (1, Value::Object(map)) => {
            drop(map.insert("surprise".into(), others[dice.below(others.len())].clone()));
        }
        (1, Value::Array(list)) => list.reverse(),
        (_, node) => *node = others[dice.below(others.len())].clone(),
    }
}
