//! Whatever a client sends, it gets a translation that the Messages API takes, or a 4xx that names the place.

use std::fs;

use dialects::openai_responses::{Earlier, Translated, error_status, input_items, peek};
use messages::ApiError;
use messages::request::Request;
use serde_json::{Value, json};

/// A small deterministic generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn attempt(body: &[u8]) -> Result<Translated, ApiError> {
    crate::attempt(body, &Earlier::default(), false)
}

fn seeds() -> Vec<Value> {
    let requests = crate::golden::fixtures().into_iter().filter(|(name, _)| name.starts_with("request-"));
    let bodies = requests.map(|(_, path)| fs::read(path).unwrap());
    // Those that are refused already would be refused for the same reason after most changes.
    let legal = bodies.filter(|body| attempt(body).is_ok());
    legal.map(|body| serde_json::from_slice(&body).unwrap()).collect()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the node with this number, counted depth first.
fn change(value: &mut Value, number: &mut usize, dice: &mut Dice) {
    if *number == 0 {
        *number = usize::MAX;
        mutate(value, dice);
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
            return change(child, number, dice);
        }
        *number -= size;
    }
}

fn mutate(value: &mut Value, dice: &mut Dice) {
    let others = [
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
        json!([{"type": "input_image", "image_url": "data:,"}]),
        json!({"type": "reasoning", "encrypted_content": "AQ=="}),
    ];
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

/// Whether a path leads to something in the request; what its last step names may be what is missing.
fn stands_in(body: &Value, path: Option<&str>) -> bool {
    let Some(path) = path else { return false };
    let steps: Vec<&str> = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).collect();
    let mut at = body;
    for (position, step) in steps.iter().enumerate() {
        let below = match at {
            Value::Array(list) => step.parse::<usize>().ok().and_then(|index| list.get(index)),
            Value::Object(members) => members.get(*step),
            _ => None,
        };
        match below {
            Some(below) => at = below,
            None => return position + 1 == steps.len(),
        }
    }
    true
}

#[test]
fn a_mutated_request_is_translated_or_refused_with_its_path() {
    let (seeds, mut dice) = (seeds(), Dice(20_261_122));
    let (mut translated, mut refused) = (0, 0);
    for _ in 0..3000 {
        let mut body = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(2) {
            let mut number = dice.below(count(&body));
            change(&mut body, &mut number, &mut dice);
        }
        let text = body.to_string();
        match attempt(text.as_bytes()) {
            Ok(done) => {
                translated += 1;
                let checked = Request::parse(&done.body);
                let free_hand = body.get("anthropic").is_some_and(|over| !over.is_null());
                assert!(free_hand || checked.is_ok(), "{text}\nbecame {:?}\n{:?}", done.body, checked.err());
            }
            Err(error) => {
                refused += 1;
                assert!((400..500).contains(&error_status(&error)), "{text}: {error:?}");
                assert!(!body.is_object() || stands_in(&body, error.path.as_deref()), "{text}: {error:?}");
            }
        }
    }
    assert!(translated > 500 && refused > 500, "{translated} translated, {refused} refused");
}

#[test]
fn broken_bytes_are_refused_and_nothing_panics() {
    let (seeds, mut dice) = (seeds(), Dice(7));
    for _ in 0..2000 {
        let mut bytes = seeds[dice.below(seeds.len())].to_string().into_bytes();
        match dice.below(3) {
            0 => bytes.truncate(dice.below(bytes.len())),
            1 => {
                let at = dice.below(bytes.len());
                bytes[at] = u8::try_from(dice.below(256)).unwrap();
            }
            _ => {
                let at = dice.below(bytes.len());
                let noise = ["[", "{\"a\":", "\"", "\\ud800", "\u{2028}", ",,"][dice.below(6)]
                    .repeat(1 + dice.below(300));
                bytes.splice(at..at, noise.into_bytes());
            }
        }
        if let Err(error) = attempt(&bytes) {
            assert_eq!(error_status(&error), 400);
        } else {
            peek(&bytes).unwrap();
            input_items(&bytes, &Earlier::default(), "resp_1").unwrap();
        }
    }
}

#[test]
fn endless_nesting_is_a_400() {
    for body in [
        "[".repeat(3_000_000),
        "{\"input\":".repeat(300_000),
        format!("{{\"input\":{}", "[{\"content\":".repeat(200_000)),
    ] {
        assert_eq!(attempt(body.as_bytes()).unwrap_err().status, 400);
        assert_eq!(peek(body.as_bytes()).unwrap_err().status, 400);
    }
}

#[test]
fn a_request_made_to_be_slow_is_not() {
    let many = 30_000;
    let call = |id: usize| json!({"type": "function_call", "call_id": format!("c{id}"), "name": "n", "arguments": "{}"});
    let output =
        |id: usize| json!({"type": "function_call_output", "call_id": format!("c{id}"), "output": "x"});
    let tool = |id: usize| json!({"type": "function", "name": format!("n{id}")});
    let server = |id: usize| json!({"type": "mcp", "server_label": format!("s{id}"), "server_url": "https://a/", "require_approval": "never"});
    let mut one_turn = vec![json!({"role": "user", "content": "x"})];
    one_turn.extend((0..many).map(call));
    one_turn.extend((0..many).rev().map(output));
    let mut same_id = vec![json!({"role": "user", "content": "x"})];
    same_id.extend((0..many).flat_map(|_| [call(0), output(0)]));
    let names: Vec<Value> = (0..many).rev().map(tool).collect();
    let allowed = json!({"type": "allowed_tools", "mode": "auto", "tools": names});
    let kept: Vec<_> = (0..many)
        .map(|id| crate::bytes(&json!({"id": format!("m{id}"), "role": "user", "content": "x"})))
        .collect();
    let references: Vec<Value> =
        (0..many).rev().map(|id| json!({"type": "item_reference", "id": format!("m{id}")})).collect();
    let earlier = Earlier { conversation: &[], referenced: &kept };
    let started = std::time::Instant::now();
    for body in [
        json!({"input": one_turn}),
        json!({"input": same_id}),
        json!({"input": "x", "tools": (0..many).map(tool).collect::<Vec<_>>(), "tool_choice": allowed}),
        json!({"input": "x", "tools": (0..many).map(server).collect::<Vec<_>>()}),
        json!({"input": references}),
    ] {
        let body = body.to_string();
        let done = crate::attempt(body.as_bytes(), &earlier, false).unwrap();
        Request::parse(&done.body).unwrap();
        input_items(body.as_bytes(), &earlier, "resp_1").unwrap();
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn an_error_never_repeats_what_was_said() {
    let secret = "s3cret-prompt";
    for input in [
        json!([{"role": secret, "content": "x"}]),
        json!([{"role": "user", "content": [{"type": secret}]}]),
        json!([{"role": "user", "content": [{"type": "input_text", "text": [secret]}]}]),
        json!([secret]),
        json!({"type": secret}),
        json!([{"type": secret}]),
        json!([{"role": "user", "content": [{"type": "input_image", "image_url": secret}]}]),
        json!([{"type": "function_call_output", "call_id": secret, "output": "x"}]),
        json!([{"type": "function_call", "call_id": secret, "name": secret, "arguments": secret}]),
        json!([{"type": "reasoning", "encrypted_content": secret}]),
        json!([{"type": "item_reference", "id": secret}]),
    ] {
        let body = json!({"model": "claude-sonnet-5-5", "input": input}).to_string();
        let error = attempt(body.as_bytes()).unwrap_err();
        assert!(!error.message.contains(secret), "{}", error.message);
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let body = br#"{"model":"a","model":"b","input":"x"}"#;
    assert_eq!(attempt(body).unwrap_err().message, "model: given twice");
}

#[test]
fn a_large_image_is_copied_as_it_is() {
    let data = "iVBORw0K".repeat(1_000_000);
    let body = format!(
        r#"{{"input":[{{"role":"user","content":[{{"type":"input_image","image_url":"data:image/png;base64,{data}"}}]}}]}}"#
    );
    let done = attempt(body.as_bytes()).unwrap();
    let written = std::str::from_utf8(&done.body).unwrap();
    assert!(written.contains(&data));
    assert!(done.body.len() < body.len() + 300);
}
