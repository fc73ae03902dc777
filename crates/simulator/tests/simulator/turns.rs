//! What scripts become, streamed and not.

use crate::client::{MODEL, events, says, send, streams, with};
use serde_json::{Value, json};
use simulator::{Simulator, Turn, UsageScript, sign, turn};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_stream_has_the_events_of_the_api_in_their_order() {
    let simulator = Simulator::start().await.unwrap();
    let answer = send(&simulator, &streams("hello there")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    assert!(answer.header("request-id").starts_with("req_"));
    let events = answer.events().await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected = vec!["message_start", "content_block_start", "ping"];
    expected.extend(["content_block_delta"; 4]);
    expected.extend(["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(names, expected);
    assert!(events.iter().all(|(name, data)| data["type"] == name.as_str()));
    let text: String = events.iter().filter_map(|(_, data)| data["delta"]["text"].as_str()).collect();
    assert_eq!(text, "You said: \"hello there\"");
    assert_eq!(events[0].1["message"]["usage"]["input_tokens"], 4);
}

/// Folds a stream the way the API documents it.
fn folded(events: &[(String, Value)]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut input = String::new();
    for (name, data) in events {
        match name.as_str() {
            "content_block_start" => {
                assert_eq!(data["index"], blocks.len());
                blocks.push(data["content_block"].clone());
                input.clear();
            }
            "content_block_delta" => {
                let block = blocks.last_mut().unwrap();
                for member in ["text", "thinking", "signature"] {
                    if let Some(more) = data["delta"][member].as_str() {
                        block[member] = json!(format!("{}{more}", block[member].as_str().unwrap()));
                    }
                }
                input.push_str(data["delta"]["partial_json"].as_str().unwrap_or_default());
            }
            "content_block_stop" if !input.is_empty() => {
                blocks.last_mut().unwrap()["input"] = serde_json::from_str(&input).unwrap();
            }
            _ => {}
        }
    }
    blocks
}

#[tokio::test]
async fn the_same_script_streamed_and_not_is_the_same_message() {
    let simulator = Simulator::start().await.unwrap();
    let script = turn()
        .thinking("let me look")
        .redacted_thinking("secret")
        .texts(["Let me ", "see."])
        .next_block()
        .text("Now.")
        .tool_with_id("toolu_a", "weather", json!({"city": "Köln", "days": [1, 2, 3], "deep": {"x": null}}))
        .tool_with_id("toolu_b", "clock", json!({}))
        .block(json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}));
    simulator.script(script.times(2));
    let streamed = send(&simulator, &streams("go")).await.events().await;
    let whole = send(&simulator, &says("go")).await.json().await;
    assert_eq!(Value::from(folded(&streamed)), whole["content"]);
    assert_eq!(whole["content"].as_array().unwrap().len(), 7);
    assert_eq!(whole["content"][0]["signature"], sign("let me look"));
    assert_eq!(whole["stop_reason"], "tool_use");
    let last = &streamed[streamed.len() - 2].1;
    assert_eq!(last["delta"]["stop_reason"], "tool_use");
    assert_eq!(last["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
}

#[tokio::test]
async fn usage_and_stop_are_as_scripted() {
    let simulator = Simulator::start().await.unwrap();
    let usage = UsageScript { thinking_tokens: Some(7), ..UsageScript::default() };
    simulator.script(turn().text("x").usage_script(usage).usage(11, 22).cached(33, 44).stop_sequence("END"));
    let message = send(&simulator, &says("go")).await.json().await;
    let usage = &message["usage"];
    let counts = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    assert_eq!(counts.map(|name| usage[name].as_u64().unwrap()), [11, 22, 33, 44]);
    assert_eq!(usage["output_tokens_details"]["thinking_tokens"], 7);
    assert_eq!(
        (&message["stop_reason"], &message["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
}

#[tokio::test]
async fn tool_input_passes_untouched() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().tool_deltas("t", ["{\"z\": 1", "2345678901234567890, \"a\"", ": 1.0}"]).times(2));
    let events = send(&simulator, &streams("go")).await.events().await;
    let deltas: Vec<&str> =
        events.iter().filter_map(|(_, data)| data["delta"]["partial_json"].as_str()).collect();
    assert_eq!(deltas, ["{\"z\": 1", "2345678901234567890, \"a\"", ": 1.0}"]);
    let text = send(&simulator, &says("go")).await.text().await;
    assert!(text.contains(r#""input":{"z": 12345678901234567890, "a": 1.0}"#), "{text}");
}

#[tokio::test]
async fn bytes_come_in_the_pieces_asked_for_and_are_the_same_bytes() {
    let simulator = Simulator::start().await.unwrap();
    let script = || turn().texts(["äöü ", "\u{2028}line", " end"]).tool("t", json!({"k": "v"}));
    let mut texts = Vec::new();
    for (chunked, most) in
        [(script(), usize::MAX), (script().chunks_of(7), 7), (script().cut_at([1, 2, 300]), 1 << 16)]
    {
        simulator.script(Turn { id: Some("msg_same".into()), ..chunked });
        let (chunks, proper) = send(&simulator, &streams("go")).await.chunks().await;
        assert!(proper);
        assert!(chunks.iter().all(|chunk| chunk.len() <= most));
        let text = String::from_utf8(chunks.concat()).unwrap();
        let steady = text.lines().filter(|line| !line.contains("toolu_")).collect::<Vec<_>>().join("\n");
        texts.push(steady);
        if chunks[0].len() == 1 {
            assert_eq!((chunks[1].len(), chunks[2].len()), (1, 298));
        }
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

#[tokio::test]
async fn unknown_events_and_garbage_are_sent_as_they_stand() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("a").event("brand_new", json!({"type": "brand_new", "n": 1})).text("b"));
    let events = send(&simulator, &streams("go")).await.events().await;
    assert!(events.contains(&("brand_new".to_owned(), json!({"type": "brand_new", "n": 1}))));
    simulator.script(turn().bare().bytes("data: {oops\n\n"));
    assert_eq!(send(&simulator, &streams("go")).await.text().await, "data: {oops\n\n");
}

#[tokio::test]
async fn pauses_and_gaps_take_their_time() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().texts(["a", "b", "c"]).gap(40).pause(40).times(2));
    for body in [streams("go"), says("go")] {
        let begun = Instant::now();
        send(&simulator, &body).await.text().await;
        assert!(begun.elapsed() >= Duration::from_millis(120));
    }
}

#[tokio::test]
async fn a_held_answer_goes_on_when_released() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").hold().text("two"));
    let mut answer = send(&simulator, &streams("go")).await;
    answer.until("one").await;
    assert_eq!(simulator.active(), 1);
    assert!(tokio::time::timeout(Duration::from_millis(50), answer.chunk()).await.is_err());
    simulator.release();
    answer.until("two").await;
    answer.until("message_stop").await;
    assert!(simulator.active_becomes(0, Duration::from_secs(1)).await);
}

#[tokio::test]
async fn a_release_before_the_hold_counts_once() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").pause(50).hold().text("two").hold().text("three"));
    let mut answer = send(&simulator, &streams("go")).await;
    answer.until("one").await;
    simulator.release();
    answer.until("two").await;
    assert!(tokio::time::timeout(Duration::from_millis(50), answer.chunk()).await.is_err());
    simulator.release();
    answer.until("three").await;
}

#[tokio::test]
async fn the_prompt_can_steer() {
    let simulator = Simulator::start().await.unwrap();
    let answer = send(&simulator, &says("[[sim error=529 retry_after=2 should_retry=true]]")).await;
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.header("x-should-retry")),
        (529, "2", "true")
    );
    assert_eq!(answer.json().await["error"]["type"], "overloaded_error");
    let events = events(&send(&simulator, &streams("[[sim n=20 gap=1]]")).await.text().await);
    assert_eq!(events.iter().filter(|(name, _)| name == "content_block_delta").count(), 20);
}

#[tokio::test]
async fn forced_tools_and_schemas_are_kept_to() {
    let simulator = Simulator::start().await.unwrap();
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false});
    let tools = json!([{"name": "count", "input_schema": schema}]);
    let body =
        with(with(says("go"), "tools", tools), "tool_choice", json!({"type": "tool", "name": "count"}));
    let message = send(&simulator, &body).await.json().await;
    assert_eq!(
        (&message["content"][0]["name"], &message["content"][0]["input"]),
        (&json!("count"), &json!({"n": 1}))
    );
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    let message = send(&simulator, &with(says("go"), "output_config", format)).await.json().await;
    assert_eq!((&message["content"][0]["text"], &message["model"]), (&json!("{\"n\":1}"), &json!(MODEL)));
}
