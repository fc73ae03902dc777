//! The checks: each a promise of the program, and what of it was seen.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use simulator::turn;

use super::stand::{Answer, LONG_TURNS, MODEL, Stand};
use super::{Found, conversation};

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/// A spare is counted from its start.
const READY: Duration = Duration::from_secs(1);
/// How long what happens beside a turn may take: a spare to get ready, an account's limits to be told.
const PATIENCE: Duration = Duration::from_secs(10);

fn request(messages: &Value) -> Value {
    json!({ "model": MODEL, "max_tokens": 256, "messages": messages })
}

/// Asks this conversation, which has to arrive block for block.
async fn exact(stand: &Stand, messages: &Value) -> Result<Answer, String> {
    let request = request(messages);
    let answer = stand.ask(&request).await?;
    conversation::arrived(&request, &answer.arrived)?;
    Ok(answer)
}

/// Asks this conversation, which has to arrive block for block and in this way.
async fn exact_when(way: &str, stand: &Stand, messages: &Value) -> Result<Answer, String> {
    let answer = exact(stand, messages).await?;
    if answer.way == way { Ok(answer) } else { Err(format!("it was {} instead of {way}", answer.way)) }
}

fn text(message: &Value) -> &str {
    message["content"][0]["text"].as_str().unwrap_or_default()
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s to the first event", duration.as_secs_f64())
}

/// Nothing runs yet, so this one also shows what a cold start takes.
pub(super) async fn plain_turn(stand: &Stand) -> Found {
    stand.simulator.script(turn().texts(["Hel", "lo \u{2028}", "wörld"]));
    let answer = exact(stand, &json!([{ "role": "user", "content": "hello" }])).await?;
    match text(&answer.message) {
        "Hello \u{2028}wörld" => Ok(format!("one call upstream, cold start {}", seconds(answer.first))),
        _ => Err("the answer came back changed".into()),
    }
}

/// Without this, anyone who may ask could read the operator's files.
pub(super) async fn verbatim_text(stand: &Stand) -> Found {
    for text in ["@/etc/passwd", "/clear", "!ls #note @/etc/passwd <command-name>/clear</command-name>"] {
        exact(stand, &json!([{ "role": "user", "content": text }])).await?;
    }
    Ok("@files, /commands and !shell arrive as text".into())
}

/// An exchange with what is hardest to carry.
fn hard_turns() -> Vec<Value> {
    let image =
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": PNG } });
    let signature = simulator::sign("let me think");
    let messages = json!([
        { "role": "user", "content": [{ "type": "text", "text": "look" }, image] },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "let me think", "signature": signature },
            { "type": "text", "text": "I look it up." },
            { "type": "tool_use", "id": "toolu_01", "name": "look_up", "input": { "q": "Köln", "n": 2 } },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "toolu_01", "content": [{ "type": "text", "text": "found" }, image] },
        ] },
        { "role": "assistant", "content": "There it is." },
        { "role": "user", "content": "  thanks \n" },
    ]);
    messages.as_array().cloned().unwrap_or_default()
}

/// A conversation that no process has seen.
pub(super) async fn fed_history(stand: &Stand) -> Found {
    let answer = exact_when("fed", stand, &hard_turns().into()).await?;
    Ok(format!("image, thinking, tool call and result arrive block for block, {}", seconds(answer.first)))
}

/// A long one, which also may break off at the results of calls.
pub(super) async fn resumed_history(stand: &Stand) -> Found {
    let mut messages = Vec::new();
    for number in 0..LONG_TURNS {
        messages.push(json!({ "role": "user", "content": format!("question {number}") }));
        messages.push(json!({ "role": "assistant", "content": format!("answer {number}") }));
    }
    messages.extend(hard_turns());
    let answer = exact_when("resumed", stand, &messages.clone().into()).await?;
    messages.truncate(messages.len() - 2);
    let broken_off = exact_when("resumed", stand, &messages.into()).await;
    broken_off.map_err(|why| format!("with tool results at the end: {why}"))?;
    Ok(format!("more than {LONG_TURNS} turns are resumed block for block, {}", seconds(answer.first)))
}

pub(super) async fn next_turn(stand: &Stand) -> Found {
    let mut messages = vec![json!({ "role": "user", "content": "first question" })];
    let first = exact(stand, &messages.clone().into()).await?;
    messages.push(json!({ "role": "assistant", "content": first.message["content"] }));
    messages.push(json!({ "role": "user", "content": "second question" }));
    let second = exact_when("continued", stand, &messages.into()).await?;
    if !same_process(&first, &second) {
        return Err("another process served it".into());
    }
    Ok(format!("served by the same process, {}", seconds(second.first)))
}

fn same_process(one: &Answer, other: &Answer) -> bool {
    let session = |answer: &Answer| answer.arrived.last().and_then(conversation::session);
    session(one).is_some_and(|one| Some(one) == session(other))
}

/// The model calls a tool of the caller, the caller answers, the model goes on.
pub(super) async fn tool_call(stand: &Stand) -> Found {
    let tool = json!({
        "name": "look_up", "description": "Looks something up.",
        "input_schema": { "type": "object", "properties": { "q": { "type": "string" } }, "required": ["q"] },
    });
    let mut asked = request(&json!([{ "role": "user", "content": "look it up" }]));
    asked["tools"] = json!([tool]);
    asked["tool_choice"] = json!({ "type": "tool", "name": "look_up" });
    let called = stand.ask(&asked).await?;
    let blocks = called.message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(call) = blocks.iter().find(|block| block["name"] == "look_up") else {
        return Err("the model's tool call did not come back".into());
    };
    let result = json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "found" });
    asked["messages"] = json!([
        { "role": "user", "content": "look it up" },
        { "role": "assistant", "content": blocks },
        { "role": "user", "content": [result] },
    ]);
    asked["tool_choice"] = json!({ "type": "auto" });
    let went_on = stand.ask(&asked).await?;
    let calls = called.arrived.len() + went_on.arrived.len();
    let arrived = went_on.arrived.last().map(simulator::Recorded::json).unwrap_or_default();
    let holds_result =
        conversation::of(&arrived).last().is_some_and(|last| last["content"][0]["tool_use_id"] == call["id"]);
    match (holds_result, calls) {
        (false, _) => Err("the tool's result did not arrive".into()),
        (true, 2) if !same_process(&called, &went_on) => Err("it took two processes".into()),
        (true, 2) => Ok("there and back in 2 calls upstream, the same process".into()),
        (true, calls) => Err(format!("it took {calls} calls upstream instead of 2")),
    }
}

/// A new conversation while a spare waits for it.
pub(super) async fn warm_start(stand: &Stand) -> Found {
    until(|| stand.processes("spare") != Some(0)).await;
    tokio::time::sleep(READY).await;
    let spare = match stand.processes("spare") {
        None | Some(0) => "no spare is kept",
        Some(_) => "a spare waited",
    };
    let answer = exact(stand, &json!([{ "role": "user", "content": "hello again" }])).await?;
    Ok(format!("{spare}, {}", seconds(answer.first)))
}

/// What an account's answers say about its limits.
pub(super) async fn account_limits(stand: &Stand) -> Found {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let reset = (since.as_secs() + 3600).to_string();
    let header = |name: &str| format!("anthropic-ratelimit-unified-{name}");
    let mut told = turn().text("ok").header(header("status"), "allowed");
    told = told.header(header("representative-claim"), "five_hour").header(header("reset"), &reset);
    for window in ["5h", "7d"] {
        told = told
            .header(header(&format!("{window}-utilization")), "0.25")
            .header(header(&format!("{window}-status")), "allowed")
            .header(header(&format!("{window}-reset")), &reset);
    }
    stand.simulator.script(told);
    exact(stand, &json!([{ "role": "user", "content": "hello" }])).await?;
    // They come after the answer.
    until(|| !stand.backend.account_windows().is_empty()).await;
    match stand.backend.account_windows().len() {
        2 => Ok("the 5-hour and the 7-day window are told".into()),
        found => Err(format!("{found} of 2 windows are told")),
    }
}

/// Waits for it, though not for ever.
async fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
