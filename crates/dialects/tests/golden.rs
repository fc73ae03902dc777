//! One fixture per feature: `golden/NAME.in.json` and what must come of it, `NAME.out.json`.
//!
//! `request-…` is translated (`strict-…` in strict mode, `autocache-…` with `openai.auto_cache`), `completion-…` is a
//! legacy completion; `answer-…` is encoded whole, `stream-…` (a list of events) in chunks.
//! `UPDATE_GOLDEN=1 cargo test -p dialects --test golden` rewrites the expectations; review them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use bytes::BytesMut;
use dialects::openai_chat::{ChoicesEncoder, Shape, Translated, error_body, error_from_event, error_status};
use fixtures::Fixtures;
use messages::{ApiError, Event};
use serde_json::{Value, json};
use translation::{SERVER, Server, frames, heading};

mod fixtures;
mod translation;

fn error(error: &ApiError) -> Value {
    json!({"status": error_status(error), "body": parse(&error_body(error))})
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn request(translated: Result<Translated, ApiError>) -> Value {
    let done = match translated {
        Ok(done) => done,
        Err(failed) => return error(&failed),
    };
    let mut shown = json!({
        "body": parse(&done.body), "asked_model": done.asked_model, "model": done.model,
        "stream": done.stream, "include_usage": done.include_usage, "ignored": done.ignored,
    });
    if !done.further.is_empty() {
        shown["further"] = done.further.iter().map(|body| parse(body)).collect();
    }
    if done.shape != Shape::default() {
        let Shape { custom_tools, content_tool, functions, text, echo } = done.shape;
        shown["shape"] = json!({"custom_tools": custom_tools, "content_tool": content_tool,
            "functions": functions, "text": text, "echo": echo});
    }
    shown
}

/// A fixture is what came (an answer, or the events of one), or that beside the shape it is turned to:
/// `{"shape": {…}, "choices": [what came for each]}`.
fn choices(input: &[u8]) -> (Vec<Value>, Shape) {
    let given = parse(input);
    let Some(choices) = given.get("choices") else { return (vec![given], Shape::default()) };
    let shape = &given["shape"];
    let texts = |name: &str| {
        let list = shape[name].as_array().cloned().unwrap_or_default();
        list.into_iter().map(|text| text.as_str().unwrap().to_owned())
    };
    let shape = Shape {
        custom_tools: texts("custom_tools").collect(),
        content_tool: shape["content_tool"].as_str().map(str::to_owned),
        functions: shape["functions"] == true,
        text: shape["text"] == true,
        echo: texts("echo").collect(),
    };
    (choices.as_array().unwrap().clone(), shape)
}

fn answer(input: &[u8]) -> Value {
    let (answers, shape) = choices(input);
    translation::whole(&answers, &shape).unwrap()
}

/// The choices take turns, as they do when their answers come at the same speed.
fn stream(input: &[u8]) -> Value {
    let (choices, shape) = choices(input);
    let (mut encoder, mut out) = (ChoicesEncoder::new(&heading(shape), choices.len()), BytesMut::new());
    let longest = choices.iter().map(|events| events.as_array().unwrap().len()).max().unwrap_or(0);
    let turns = (0..longest)
        .flat_map(|turn| choices.iter().enumerate().map(move |(choice, events)| (choice, &events[turn])));
    let mut failed = None;
    for (choice, event) in turns.filter(|(_, event)| !event.is_null()) {
        let data = event.to_string();
        let event = Event::parse(data.as_bytes()).unwrap();
        if let Err(problem) = encoder.push(choice, &event, &mut out) {
            failed = Some(match &event {
                Event::Error(body) => error_from_event(body),
                _ => ApiError::new(messages::ErrorKind::Api, problem.to_string()),
            });
            break;
        }
    }
    match failed {
        Some(failed) => encoder.fail(&failed, &mut out),
        None => encoder.finish(&mut out).unwrap(),
    }
    frames(&out).into()
}

fn outcome(name: &str, input: &[u8]) -> Value {
    match name.split('-').next() {
        Some("request") => request(SERVER.chat(input)),
        Some("strict") => request(Server { strict: true, ..SERVER }.chat(input)),
        Some("autocache") => request(Server { auto_cache: true, ..SERVER }.chat(input)),
        Some("completion") => request(SERVER.completion(input)),
        Some("answer") => answer(input),
        Some("stream") => stream(input),
        _ => panic!("{name}: no such kind of fixture"),
    }
}

#[test]
fn every_fixture_gives_what_was_reviewed() {
    Fixtures("golden").compare(outcome);
}

#[test]
fn no_expectation_is_left_without_its_fixture() {
    Fixtures("golden").complete(100);
}
