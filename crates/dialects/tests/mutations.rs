//! Whatever a client sends, it gets a translation that the Messages API takes, or a 4xx that names the place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

mod dice;
mod translation;

use dialects::openai_chat::{Translated, error_status};
use dice::Dice;
use messages::ApiError;
use messages::request::Request;
use serde_json::{Value, json};
use translation::SERVER;

fn attempt(body: &[u8]) -> Result<Translated, ApiError> {
    SERVER.chat(body)
}

fn seeds() -> Vec<Value> {
    legal("request-", attempt)
}

/// The bodies of the fixtures of a kind that are translated. Those that are refused already would be refused for the
/// same reason after most changes.
fn legal(kind: &str, attempt: fn(&[u8]) -> Result<Translated, ApiError>) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let fits = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(kind) && name.ends_with(".in.json")
    };
    let bodies = files.iter().filter(|path| fits(path)).map(|path| fs::read(path).unwrap());
    let legal = bodies.filter(|body| attempt(body).is_ok());
    legal.map(|body| serde_json::from_slice(&body).unwrap()).collect()
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
        json!([{"type": "image_url", "image_url": {"url": "data:,"}}]),
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

fn mutated(kind: &str, attempt: fn(&[u8]) -> Result<Translated, ApiError>) {
    let (seeds, mut dice) = (legal(kind, attempt), Dice(20_261_122));
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
                let named = error.path.as_deref().is_some_and(|path| leads_somewhere(path, &body));
                assert!(named || !body.is_object(), "{text}: {error:?}");
            }
        }
    }
    assert!(translated > 500 && refused > 500, "{translated} translated, {refused} refused");
}

#[test]
fn a_mutated_chat_completion_is_translated_or_refused_with_its_path() {
    mutated("request-", attempt);
}

#[test]
fn a_mutated_legacy_completion_is_translated_or_refused_with_its_path() {
    mutated("completion-", |body| SERVER.completion(body));
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
        }
    }
}

#[test]
fn endless_nesting_is_a_400() {
    for body in [
        "[".repeat(3_000_000),
        "{\"messages\":".repeat(300_000),
        format!("{{\"messages\":{}", "[{\"content\":".repeat(200_000)),
    ] {
        assert_eq!(attempt(body.as_bytes()).unwrap_err().status, 400);
    }
}

#[test]
fn a_request_made_to_be_slow_is_not() {
    let many = 30_000;
    let call = |id: usize| json!({"id": format!("c{id}"), "type": "function", "function": {"name": "n", "arguments": "{}"}});
    let tool = |id: usize| json!({"type": "function", "function": {"name": format!("n{id}")}});
    let results =
        (0..many).map(|id| json!({"role": "tool", "tool_call_id": format!("c{id}"), "content": "x"}));
    let mut one_turn = vec![
        json!({"role": "user", "content": "x"}),
        json!({"role": "assistant", "tool_calls": (0..many).map(call).collect::<Vec<_>>()}),
    ];
    one_turn.extend(results.rev());
    let mut same_id = vec![json!({"role": "user", "content": "x"})];
    for _ in 0..many {
        same_id.push(json!({"role": "assistant", "tool_calls": [call(0)]}));
        same_id.push(json!({"role": "tool", "tool_call_id": "c0", "content": "x"}));
    }
    let hi = json!([{"role": "user", "content": "x"}]);
    let names: Vec<Value> = (0..many).rev().map(tool).collect();
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": names}});
    let members: serde_json::Map<String, Value> =
        (0..many).map(|id| (format!("m{id}"), Value::Null)).collect();
    let started = std::time::Instant::now();
    for body in [
        json!({"messages": one_turn}),
        json!({"messages": same_id}),
        json!({"messages": hi, "tools": (0..many).map(tool).collect::<Vec<_>>(), "tool_choice": allowed}),
        json!({"messages": hi, "anthropic": members}),
    ] {
        let done = attempt(body.to_string().as_bytes()).unwrap();
        Request::parse(&done.body).unwrap();
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn an_error_never_repeats_what_was_said() {
    let secret = "s3cret-prompt";
    for messages in [
        json!([{"role": secret, "content": "x"}]),
        json!([{"role": "user", "content": [{"type": secret}]}]),
        json!([{"role": "user", "content": [{"type": "text", "text": [secret]}]}]),
        json!([secret]),
        json!(secret),
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": secret}}]}]),
        json!([{"role": "tool", "tool_call_id": secret, "content": "x"}]),
    ] {
        let body = json!({"model": "claude-sonnet-5-5", "messages": messages}).to_string();
        let error = attempt(body.as_bytes()).unwrap_err();
        assert!(!error.message.contains(secret), "{}", error.message);
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let body = br#"{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}"#;
    assert_eq!(attempt(body).unwrap_err().message, "model: given twice");
}

#[test]
fn a_large_image_is_copied_as_it_is() {
    let data = "iVBORw0K".repeat(1_000_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}]}}"#
    );
    let done = attempt(body.as_bytes()).unwrap();
    let written = std::str::from_utf8(&done.body).unwrap();
    assert!(written.contains(&data));
    assert!(done.body.len() < body.len() + 300);
}
