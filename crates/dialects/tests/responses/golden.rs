//! One fixture per feature: `golden/NAME.in.json` and what must come of it, `NAME.out.json`.
//!
//! `request-…` is translated (in strict mode: `strict-…`; with what is kept of earlier responses: `earlier-…`, an
//! object of `conversation`, `referenced` and `request`), `answer-…` encoded whole and `stream-…` event by event (an
//! object of `request`, for what the response repeats, and `message` or `events`), `items-…` listed.
//! `UPDATE_GOLDEN=1 cargo test -p dialects --test responses golden` rewrites the expectations; review them.

use bytes::Bytes;
use dialects::openai_responses::{Earlier, Echo, encode_answer, error_body, error_status, input_items};
use messages::ApiError;
use serde_json::{Value, json};

use crate::checked::{RESPONSE_ID, told};
use crate::fixtures::Fixtures;
use crate::{COMPLETED, CREATED, attempt, attempt_to_count, bytes, parse};

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
    let done = attempt_to_count(input, &Earlier::default());
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

#[test]
fn every_fixture_gives_what_was_reviewed() {
    Fixtures("responses/golden").compare(outcome);
}

#[test]
fn no_expectation_is_left_without_its_fixture() {
    Fixtures("responses/golden").complete(60);
}
