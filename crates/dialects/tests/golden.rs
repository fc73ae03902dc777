//! One fixture per feature: `golden/NAME.in.json` and what must come of it, `NAME.out.json`.
//!
//! `request-…` is translated, `answer-…` encoded whole, `stream-…` (a list of events) in chunks.
//! `UPDATE_GOLDEN=1 cargo test -p dialects --test golden` rewrites the expectations; review them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use dialects::models;
use dialects::openai_chat::{
    ChunkEncoder, Defaults, encode_answer, error_body, error_from_event, error_status, translate,
};
use messages::{ApiError, Event};
use serde_json::{Value, json};

const CREATED: u64 = 1_795_305_600;

fn error(error: &ApiError) -> Value {
    json!({"status": error_status(error), "body": parse(&error_body(error))})
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn request(input: &[u8], strict: bool) -> Value {
    let resolve = |name: &str| models::resolve(name).into_owned();
    let defaults = Defaults {
        default_model: "sonnet",
        max_tokens: 4096,
        strict,
        plain_user: false,
        resolve: &resolve,
        rules: &models::rules,
    };
    match translate(input, &defaults) {
        Ok(done) => json!({
            "body": parse(&done.body), "asked_model": done.asked_model, "model": done.model,
            "stream": done.stream, "include_usage": done.include_usage, "ignored": done.ignored,
        }),
        Err(failed) => error(&failed),
    }
}

fn answer(input: &[u8]) -> Value {
    parse(&encode_answer(input, "gpt-4o", CREATED).unwrap())
}

fn stream(input: &[u8]) -> Value {
    let events: Vec<Value> = serde_json::from_slice(input).unwrap();
    let (mut encoder, mut out) = (ChunkEncoder::new("gpt-4o", CREATED, true), BytesMut::new());
    let mut failed = None;
    for event in events {
        let data = event.to_string();
        let event = Event::parse(data.as_bytes()).unwrap();
        if let Err(problem) = encoder.push(&event, &mut out) {
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
    let text = String::from_utf8(out.to_vec()).unwrap();
    let frames = text.strip_suffix("\n\n").unwrap().split("\n\n");
    frames.map(|frame| frame.strip_prefix("data: ").unwrap()).map(chunk).collect()
}

fn chunk(data: &str) -> Value {
    if data == "[DONE]" { data.into() } else { parse(data.as_bytes()) }
}

fn outcome(name: &str, input: &[u8]) -> Value {
    match name.split('-').next() {
        Some("request") => request(input, false),
        Some("strict") => request(input, true),
        Some("answer") => answer(input),
        Some("stream") => stream(input),
        _ => panic!("{name}: a fixture's name begins with request, strict, answer or stream"),
    }
}

fn fixtures() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.strip_suffix(".in.json")?.to_owned();
            Some((name, path))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_fixture_gives_what_was_reviewed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, path) in fixtures() {
        let given = outcome(&name, &fs::read(&path).unwrap());
        let expected_path = path.with_file_name(format!("{name}.out.json"));
        if update {
            fs::write(&expected_path, serde_json::to_string_pretty(&given).unwrap() + "\n").unwrap();
            continue;
        }
        let expected = parse(&fs::read(&expected_path).unwrap());
        if given != expected {
            wrong.push(format!("{name}:\n  expected {expected}\n  given    {given}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_expectation_is_left_without_its_fixture() {
    let names: Vec<String> = fixtures().into_iter().map(|(name, _)| name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".out.json").or(file.strip_suffix(".in.json"));
        assert!(name.is_some_and(|name| names.iter().any(|known| known == name)), "{file}");
    }
    assert!(names.len() >= 30, "{} fixtures", names.len());
}
