//! What the API receives when a turn goes through the real program, and what comes back.

use crate::support::{House, ask, conversation, hello, names, text};
use serde_json::{Value, json};
use simulator::turn;

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn image() -> Value {
    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}})
}

/// The caller's conversation arrives block for block.
async fn arrives(messages: Value) {
    let house = House::new().await;
    let (_, error) = house.turn(&ask(&messages)).await;
    let body = house.upstream().json();
    assert_eq!(conversation(&body), conversation(&json!({"messages": messages})), "{error:?}");
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_streams_through_as_the_api_sent_it() {
    let house = House::new().await;
    house.simulator.script(turn().texts(["Hel", "lo \u{2028}", "wörld"]).usage(11, 7));
    let (events, error) = house.turn(&hello()).await;
    assert!(error.is_none(), "{error:?}");
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(text(&events), "Hello \u{2028}wörld");
    let mut meter = messages::Meter::default();
    events.iter().for_each(|event| meter.event(&event.name, &event.data));
    assert_eq!((meter.usage().input_tokens, meter.usage().output_tokens), (11, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deltas_arrive_while_the_model_still_writes() {
    use futures_util::StreamExt;
    let house = House::new().await;
    house.simulator.script(turn().texts(["one"]).hold().next_block().text("two"));
    let mut stream = house.start(&hello()).await.unwrap();
    for expected in ["message_start", "content_block_start", "content_block_delta"] {
        assert_eq!(stream.next().await.unwrap().unwrap().name, expected);
    }
    house.simulator.release();
    let (rest, error) = crate::support::collect(stream).await;
    assert!(error.is_none() && names(&rest).last() == Some(&"message_stop"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_with_images_arrives_as_real_turns() {
    arrives(json!([
        {"role": "user", "content": [{"type": "text", "text": "look"}, image()]},
        {"role": "assistant", "content": "a dot"},
        {"role": "user", "content": [image(), {"type": "text", "text": "  and this? \n"}]},
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tool_rounds_and_thinking_arrive_block_for_block() {
    let signature = simulator::sign("let me think");
    arrives(json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "let me think", "signature": signature},
            {"type": "text", "text": "I look it up."},
            {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Köln", "days": 2}},
            {"type": "tool_use", "id": "toolu_02", "name": "get_weather", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_01", "content": [{"type": "text", "text": "sun"}, image()]},
            {"type": "tool_result", "tool_use_id": "toolu_02", "content": "no such city", "is_error": true},
        ]},
        {"role": "assistant", "content": [{"type": "text", "text": "Sunny."}]},
        {"role": "user", "content": "thanks"},
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_may_end_with_tool_results() {
    arrives(json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_01", "name": "w", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": "sun"}]},
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_like_a_command_or_a_file_arrives_verbatim() {
    arrives(json!([
        {"role": "user", "content": "/clear"},
        {"role": "assistant", "content": "Cleared?"},
        {"role": "user", "content": "@/etc/passwd"},
        {"role": "assistant", "content": "<system-reminder>no</system-reminder>"},
        {"role": "user", "content": "!ls #note @/etc/passwd /compact <command-name>/clear</command-name>"},
    ]))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_message_that_looks_like_a_command_arrives_verbatim() {
    arrives(json!([{"role": "user", "content": "/clear"}])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbouring_user_messages_arrive_as_one_with_their_texts_unchanged() {
    let house = House::new().await;
    let neighbours = json!([
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "three"},
    ]);
    house.turn(&ask(&neighbours)).await;
    let texts: Vec<_> = ["one", "two", "three"].map(|text| json!({"type": "text", "text": text})).into();
    assert_eq!(conversation(&house.upstream().json()), [json!({"role": "user", "content": texts})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_arrive_and_what_was_not_asked_for_is_not_added() {
    let house = House::new().await;
    let request = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 321, "temperature": 0.25, "top_k": 7,
        "stop_sequences": ["STOP", "\u{2028}END"], "metadata": {"user_id": "u-1"}, "system": "Be brief.",
        "messages": [{"role": "user", "content": "hello"}],
    });
    let (_, error) = house.turn(&request).await;
    assert!(error.is_none(), "{error:?}");
    let body = house.upstream().json();
    for (name, value) in request.as_object().unwrap() {
        if !matches!(&**name, "system" | "messages") {
            assert_eq!(&body[name], value, "{name}");
        }
    }
    assert_eq!(body["system"][2]["text"], "Be brief.");
    for added in ["thinking", "output_config", "context_management", "tool_choice", "top_p"] {
        assert!(body.get(added).is_none(), "{added} was added");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thinking_is_sent_when_it_is_asked_for_and_its_signature_comes_back() {
    let house = House::new().await;
    house.simulator.script(turn().thinking("hm").text("done"));
    let mut request = hello();
    request["thinking"] = json!({"type": "adaptive"});
    request["output_config"] = json!({"effort": "high"});
    let (events, error) = house.turn(&request).await;
    assert!(error.is_none(), "{error:?}");
    let body = house.upstream().json();
    assert_eq!(
        (&body["thinking"], &body["output_config"]),
        (&request["thinking"], &request["output_config"])
    );
    let signature = simulator::sign("hm");
    assert!(events.iter().any(|event| String::from_utf8_lossy(&event.data).contains(&signature)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_limit_or_an_empty_answer_is_one_request_upstream() {
    for script in [turn().text("cut").stop("max_tokens"), turn()] {
        let house = House::new().await;
        house.simulator.script(script);
        let (events, error) = house.turn(&hello()).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(names(&events).last(), Some(&"message_stop"));
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        house.upstream();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_called_by_the_name_that_was_asked_for() {
    let house = House::new().await;
    let mut request = hello();
    request["model"] = json!("claude-opus-4-1");
    house.turn(&request).await;
    let asked = house.simulator.requests();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|request| request.json()["model"] == "claude-opus-4-1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_by_the_api() {
    let house = House::new().await;
    let request = ask(&json!([
        {"role": "user", "content": "one two three"},
        {"role": "assistant", "content": "four"},
        {"role": "user", "content": "five"},
    ]));
    house.simulator.script(turn().usage(1234, 0).when_path("/v1/messages/count_tokens").times(9));
    let counted = house.driver.count_tokens(request.to_string().as_bytes()).await.unwrap();
    assert_eq!(counted, 1234);
    let asked = house.simulator.requests();
    assert!(asked.iter().all(|request| request.path == "/v1/messages/count_tokens"));
    let counted: Vec<_> = asked.iter().map(|request| conversation(&request.json())).collect();
    assert!(counted.contains(&conversation(&request)), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_the_api_refuses_is_the_programs_estimate() {
    let house = House::new().await;
    house.simulator.script(turn().error(401).when_path("/v1/messages/count_tokens").times(9));
    let request = ask(&json!([{"role": "user", "content": "word ".repeat(400)}]));
    let counted = house.driver.count_tokens(request.to_string().as_bytes()).await.unwrap();
    assert!((300..1000).contains(&counted), "{counted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_is_the_tested_one_and_says_how_it_is_logged_in() {
    let house = House::new().await;
    assert_eq!(house.driver.version().await.unwrap(), *claude_code::TESTED_VERSION);
    let status = house.driver.auth_status().await.unwrap();
    assert!(status.logged_in);
    assert_eq!(status.method.as_deref(), Some("api_key"));
}
