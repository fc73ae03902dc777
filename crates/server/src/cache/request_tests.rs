use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::pipeline::{Operation, Wishes};

fn asked(body: &Value) -> Asked {
    Asked {
        operation: Operation::ChatCompletions,
        body: Bytes::from(body.to_string()),
        headers: HeaderMap::new(),
        query: None,
        owner: "somebody".into(),
        own_key: None,
        wishes: Wishes { strict: false, agent_events: false },
        begun: None,
    }
}

fn key_of(body: &Value) -> Key {
    name_of(&asked(body))
}

fn name_of(asked: &Asked) -> Key {
    key(asked, Dialect::OpenAiChat, "somebody", "model").unwrap()
}

/// Every body that differs from this one in a single place: a member or an item less, or another value.
fn changed(value: &Value) -> Vec<Value> {
    let mut all = vec![json!({"other": value}), json!([value])];
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let mut without = members.clone();
                without.remove(name);
                all.push(without.into());
                all.extend(changed(inner).into_iter().map(|inner| {
                    let mut members = members.clone();
                    members.insert(name.clone(), inner);
                    members.into()
                }));
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                let mut without = list.clone();
                without.remove(index);
                all.push(without.into());
                all.extend(changed(inner).into_iter().map(|inner| {
                    let mut list = list.clone();
                    list[index] = inner;
                    list.into()
                }));
            }
        }
        Value::String(text) => all.push(format!("{text} ").into()),
        Value::Number(number) => all.push(json!(number.as_f64().unwrap() + 0.5)),
        Value::Bool(flag) => all.push((!flag).into()),
        Value::Null => all.push(false.into()),
    }
    all
}

/// The requests of all dialects that the translation is tested with: every field there is.
fn requests() -> Vec<Value> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialects/tests");
    let folders = [tests.join("golden"), tests.join("responses/golden")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let names = files.map(|file| file.unwrap().path());
    let requests = names.filter(|path| path.to_string_lossy().ends_with(".in.json"));
    let bodies = requests.filter_map(|path| serde_json::from_slice(&fs::read(path).unwrap()).ok());
    bodies.filter(Value::is_object).collect()
}

#[test]
fn any_change_of_a_single_field_is_another_answer() {
    let (requests, mut changes) = (requests(), 0);
    for request in &requests {
        let key = key_of(request);
        for other in changed(request).iter().filter(|other| other.is_object()) {
            assert_ne!(key_of(other), key, "{request}\n{other}");
            changes += 1;
        }
    }
    assert!(requests.len() > 150 && changes > 5000, "{} requests, {changes} changes", requests.len());
}

#[test]
fn order_and_white_space_are_the_same_answer() {
    for request in requests() {
        let mut other = asked(&request);
        other.body = backwards(&request).into();
        assert_eq!(name_of(&other), key_of(&request), "{request}");
    }
}

/// With its members in another order, and with white space.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members =
                members.iter().rev().map(|(name, value)| format!("{}\n: {}", json!(name), backwards(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(" ,\t"))
        }
        Value::Array(list) => {
            format!("[ {} ]", list.iter().map(backwards).collect::<Vec<_>>().join(" , "))
        }
        scalar => scalar.to_string(),
    }
}

#[test]
fn everything_beside_the_body_matters_too() {
    let body = json!({"messages": []});
    let base = key_of(&body);
    let with = |change: fn(&mut Asked)| {
        let mut asked = asked(&body);
        change(&mut asked);
        name_of(&asked)
    };
    let others = [
        with(|asked| asked.operation = Operation::Messages),
        with(|asked| asked.query = Some("beta=true".into())),
        with(|asked| asked.wishes.strict = true),
        with(|asked| asked.wishes.agent_events = true),
        with(|asked| drop(asked.headers.insert("anthropic-beta", HeaderValue::from_static("a")))),
        with(|asked| drop(asked.headers.insert("anthropic-version", HeaderValue::from_static("a")))),
        with(|asked| {
            drop(asked.headers.insert("x-amzn-bedrock-guardrailidentifier", HeaderValue::from_static("a")));
        }),
        key(&asked(&body), Dialect::Anthropic, "somebody", "model").unwrap(),
        key(&asked(&body), Dialect::OpenAiChat, "another", "model").unwrap(),
        key(&asked(&body), Dialect::OpenAiChat, "somebody", "another").unwrap(),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(*other, base);
        assert!(others.iter().skip(index + 1).all(|further| further != other));
    }
    let same = with(|asked| drop(asked.headers.insert("user-agent", HeaderValue::from_static("a"))));
    assert_eq!(same, base);
}

#[test]
fn what_is_too_long_or_no_json_has_no_name() {
    let long = json!({"messages": "x".repeat(MAX_REQUEST_BYTES)});
    assert!(key(&asked(&long), Dialect::Anthropic, "", "").is_none());
    let mut broken = asked(&long);
    broken.body = Bytes::from_static(b"{\"a\":");
    assert!(key(&broken, Dialect::Anthropic, "", "").is_none());
}
