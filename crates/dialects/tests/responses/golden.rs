//! One fixture per feature: `golden/NAME.in.json` and what must come of it, `NAME.out.json`.
//!
//! `request-…` is translated (in strict mode: `strict-…`; with what is kept of earlier responses: `earlier-…`, an
//! object of `conversation`, `referenced` and `request`), `answer-…` encoded whole and `stream-…` event by event (an
//! object of `request`, for what the response repeats, and `message` or `events`), `items-…` listed.
//! `UPDATE_GOLDEN=1 cargo test -p dialects --test responses golden` rewrites the expectations; review them.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dialects::openai_responses::{
    Earlier, Echo, encode_answer, error_body, error_status, input_items, translate_for_counting,
};
use messages::ApiError;
use serde_json::{Value, json};

use crate::checked::{RESPONSE_ID, told};
use crate::{COMPLETED, CREATED, attempt, bytes, parse};

fn error(error: &ApiError) -> Value {
    json!({"status": error_status(error), "body": parse(&error_body(error))})
}

fn request(body: &[u8], earlier: &Earlier<'_>, strict: bool) -> Value {
    match attempt(body, earlier, strict) {
        Ok(done) => json!({
            "body": parse(&done.body), "betas": done.betas, "asked_model": done.asked_model, "model": done.model,
            "stream": done.stream, "store": done.store, "background": done.background, "ignored": done.ignored,
        }),
        Err(failed) => error(&failed),
    }
}

fn earlier(input: &Value) -> Value {
    let list = |key: &str| input[key].as_array().into_iter().flatten().map(bytes).collect::<Vec<Bytes>>();
    let (conversation, referenced) = (list("conversation"), list("referenced"));
    let earlier = Earlier { conversation: &conversation, referenced: &referenced };
    request(input["request"].to_string().as_bytes(), &earlier, false)
}

fn echo(input: &Value) -> Echo {
    let request = input["request"].as_object().cloned().unwrap_or_default();
    let mut request = Value::Object(request);
    request["model"] = request.get("model").cloned().unwrap_or("gpt-5".into());
    request["input"] = "hi".into();
    attempt(request.to_string().as_bytes(), &Earlier::default(), false).unwrap().echo
}

fn answer(input: &Value) -> Value {
    let message = bytes(&input["message"]);
    parse(&encode_answer(&message, echo(input), RESPONSE_ID, CREATED, COMPLETED).unwrap())
}

fn stream(input: &Value) -> Value {
    let events = match input["events"].as_array() {
        Some(events) => events.clone(),
        None => crate::streaming::events(&input["message"], 7),
    };
    told(echo(input), &events, input["queued"] == true).events.into()
}

fn items(input: &[u8]) -> Value {
    let items = input_items(input, &Earlier::default(), RESPONSE_ID);
    items.map_or_else(|failed| error(&failed), |items| items.iter().map(|item| parse(item)).collect())
}

fn count(input: &[u8]) -> Value {
    let resolve = |name: &str| dialects::models::resolve(name).into_owned();
    let defaults = dialects::openai_responses::Defaults {
        default_model: "sonnet",
        max_tokens: 4096,
        strict: false,
        plain_user: false,
        resolve: &resolve,
        rules: &dialects::models::rules,
        recall: &|_, _| None,
        web_search: true,
        auto_cache: false,
        most_choices: 1,
    };
    let done = translate_for_counting(input, &Earlier::default(), &defaults);
    done.map_or_else(
        |failed| error(&failed),
        |done| json!({"body": parse(&done.body), "ignored": done.ignored}),
    )
}

fn outcome(name: &str, input: &[u8]) -> Value {
    match name.split('-').next() {
        Some("request") => request(input, &Earlier::default(), false),
        Some("strict") => request(input, &Earlier::default(), true),
        Some("count") => count(input),
        Some("earlier") => earlier(&parse(input)),
        Some("answer") => answer(&parse(input)),
        Some("stream") => stream(&parse(input)),
        Some("items") => items(input),
        _ => panic!("{name}: what kind of fixture is it?"),
    }
}

pub(crate) fn fixtures() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/responses/golden");
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/responses/golden");
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".out.json").or(file.strip_suffix(".in.json"));
        assert!(name.is_some_and(|name| names.iter().any(|known| known == name)), "{file}");
    }
    assert!(names.len() >= 60, "{} fixtures", names.len());
}
