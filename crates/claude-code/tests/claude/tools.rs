//! The caller's tools on the real program: calls go out, the process waits, results come in and it goes on.

use std::time::Duration;

use crate::support::{House, answer, ask, conversation, programs};
use claude_code::{Credentials, Settings};
use serde_json::{Value, json};
use simulator::turn;

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn tool(name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    json!({"name": name, "description": "Looks.", "input_schema": schema})
}

fn with_tools(messages: &[Value], names: &[&str]) -> Value {
    let mut request = ask(&json!(messages));
    request["tools"] = names.iter().map(|name| tool(name)).collect();
    request
}

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

fn result(id: &str, content: impl Into<Value>) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content.into()})
}

fn calls(message: &Value) -> Vec<String> {
    let blocks = message["content"].as_array().unwrap().iter();
    blocks
        .filter(|block| block["type"] == "tool_use")
        .map(|block| block["id"].as_str().unwrap().into())
        .collect()
}

/// A conversation of five rounds with two calls each; between the rounds, `between`. The conversations upstream.
async fn five_rounds(house: &House, mut between: impl AsyncFnMut(&House)) -> Vec<Vec<Value>> {
    for round in 0..5 {
        let id = |call: &str| format!("toolu_{round}{call}");
        let script = turn().text(format!("round {round}"));
        let script = script.tool_with_id(id("a"), "mcp__client__look", json!({"n": round}));
        house.simulator.script(script.tool_with_id(id("b"), "mcp__client__see", json!({})));
    }
    house.simulator.script(turn().text("done"));
    let mut messages = vec![user("go")];
    for round in 0..6 {
        let answer = house.answer(&with_tools(&messages, &["look", "see"])).await;
        let ids = calls(&answer);
        assert_eq!(ids.len(), if round < 5 { 2 } else { 0 });
        messages.push(answer);
        if round < 5 {
            let results: Vec<_> = ids.iter().map(|id| result(id, format!("result of {id}"))).collect();
            messages.push(user(results));
            between(house).await;
        }
    }
    let requests = house.simulator.requests();
    assert_eq!(requests.len(), 6, "one call upstream for each request");
    let last = conversation(&requests[5].json());
    assert_eq!(last, conversation(&json!({"messages": messages[..11]})));
    requests.iter().map(|request| conversation(&request.json())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_rounds_of_two_calls_are_six_calls_upstream_in_one_process_and_the_same_when_it_is_killed_each_time()
 {
    let house = House::that_keeps().await;
    let mut pids = Vec::new();
    let upstream = five_rounds(&house, async |house: &House| {
        house.waiting_are(1, 0).await;
        pids.push(programs());
    })
    .await;
    assert!(pids[0].len() == 1 && pids.iter().all(|other| *other == pids[0]), "{pids:?}");
    drop(house);
    let house = House::that_keeps().await;
    let killed = five_rounds(&house, async |_: &House| {
        for pid in programs() {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    })
    .await;
    assert_eq!(upstream, killed);
}

/// One answer with these calls, then `last` in answer to it; how many processes there were, and what arrived.
async fn round(house: &House, ids: &[&str], last: Value) -> (bool, Vec<Value>) {
    let mut script = turn().text("I look.");
    for id in ids {
        script = script.tool_with_id(*id, "mcp__client__look", json!({"n": 1}));
    }
    house.simulator.script(script);
    house.simulator.script(turn().text("done"));
    let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
    assert_eq!(calls(&first), ids);
    let before = programs();
    let messages = [user("go"), first, last];
    house.answer(&with_tools(&messages, &["look"])).await;
    house.waiting_are(0, 1).await;
    let requests = house.simulator.requests();
    assert_eq!(requests.len(), 2);
    let arrived = conversation(&requests[1].json());
    assert_eq!(arrived, conversation(&json!({"messages": messages})));
    (programs() == before, arrived)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_in_any_order_with_errors_and_images_go_on_in_the_same_process() {
    let house = House::that_keeps().await;
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}});
    let mut failed = result("toolu_2", "it broke");
    failed["is_error"] = json!(true);
    let last = user(json!([
        result("toolu_3", json!([{"type": "text", "text": " three\n"}, image])),
        failed,
        result("toolu_1", "one ".repeat(50_000)),
    ]));
    let (same, _) = round(&house, &["toolu_1", "toolu_2", "toolu_3"], last).await;
    assert!(same);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_waiting_process_would_change_is_told_to_another() {
    let mut padded = result("toolu_1", " padded ");
    padded["is_error"] = json!(true);
    for last in [
        json!([result("toolu_1", "one"), {"type": "text", "text": "and now?"}]),
        json!([padded]),
        json!([result("toolu_1", "x".repeat(600_000))]),
    ] {
        let house = House::that_keeps().await;
        let (same, _) = round(&house, &["toolu_1"], user(last)).await;
        assert!(!same);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_results_are_named_before_anything_is_asked() {
    let house = House::that_keeps().await;
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "look", "input": {}});
    let said = json!({"role": "assistant", "content": [call("toolu_1"), call("toolu_2")]});
    let request = with_tools(&[user("go"), said, user(json!([result("toolu_2", "x")]))], &["look"]);
    let error = house.driver.read_turn(request.to_string().as_bytes(), "").unwrap_err();
    assert_eq!(error.status, 400);
    assert_eq!(error.path.as_deref(), Some("messages[1].content[0].id"));
    assert!(error.message.contains("toolu_1") && !error.message.contains("toolu_2"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_holds_for_its_own_request_only() {
    let house = House::that_keeps().await;
    let choices = [
        json!({"type": "any", "disable_parallel_tool_use": true}),
        Value::Null,
        json!({"type": "tool", "name": "see"}),
        json!({"type": "auto", "disable_parallel_tool_use": true}),
        json!({"type": "none"}),
    ];
    let mut messages = vec![user("go")];
    for (round, choice) in choices.iter().enumerate() {
        let id = format!("toolu_{round}");
        house.simulator.script(turn().tool_with_id(&id, "mcp__client__look", json!({})));
        let mut request = with_tools(&messages, &["look", "see"]);
        request["max_tokens"] = json!(100 + round);
        if !choice.is_null() {
            request["tool_choice"] = choice.clone();
        }
        messages.push(house.answer(&request).await);
        messages.push(user(json!([result(&id, "r")])));
    }
    assert_eq!(programs().len(), 1);
    for (round, (request, mut choice)) in house.simulator.requests().into_iter().zip(choices).enumerate() {
        if choice["name"] == "see" {
            choice["name"] = json!("mcp__client__see");
        }
        let body = request.json();
        assert_eq!((&body["tool_choice"], &body["max_tokens"]), (&choice, &json!(100 + round)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_and_twenty_eight_tools_with_long_names_arrive_whole_and_are_called_by_their_own() {
    let house = House::that_keeps().await;
    let names: Vec<String> = (0..128).map(|n| format!("{}_{n}", "long".repeat(n % 30 + 1))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut request = with_tools(&[user("go")], &names);
    let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
        "a": {"type": ["string", "null"], "default": 1.5, "$ref": "#/$defs/x"}, "b": true, "c": {"$ref": "#"}},
        "$defs": {"x": {"oneOf": [{"const": 1}, {"enum": [null, false]}]}}, "patternProperties": {"^x": {}}});
    request["tools"][119]["input_schema"] = schema.clone();
    request["tools"][119]["description"] = json!("d".repeat(20_000));
    request["tool_choice"] = json!({"type": "tool", "name": names[119]});
    // The simulator calls the tool that it must.
    let said = house.answer(&request).await;
    assert_eq!(said["content"][0]["name"], names[119]);
    let body = house.upstream().json();
    let tools = body["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 128);
    let told = tools.iter().find(|tool| tool["name"] == body["tool_choice"]["name"]).unwrap();
    assert!(told["name"].as_str().unwrap().len() == 64);
    assert_eq!(
        (&told["input_schema"], &told["description"]),
        (&schema, &request["tools"][119]["description"])
    );
    let id = said["content"][0]["id"].as_str().unwrap().to_string();
    let pids = programs();
    let mut request = with_tools(&[user("go"), said, user(json!([result(&id, "r")]))], &names);
    request["tools"][119]["input_schema"] = schema;
    request["tools"][119]["description"] = json!("d".repeat(20_000));
    house.answer(&request).await;
    assert_eq!(programs(), pids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_tools_or_another_system_prompt_are_another_process() {
    for change in [json!({"tools": [tool("look"), tool("see")]}), json!({"system": "Be brief."})] {
        let house = House::that_keeps().await;
        house.simulator.script(turn().tool_with_id("toolu_1", "mcp__client__look", json!({})));
        let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
        let before = programs();
        let mut request = with_tools(&[user("go"), first, user(json!([result("toolu_1", "r")]))], &["look"]);
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        house.answer(&request).await;
        assert!(!programs().iter().all(|pid| before.contains(pid)));
        house.waiting_are(1, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_a_tool_that_is_not_there_is_the_callers_to_answer() {
    let house = House::that_keeps().await;
    house.simulator.script(turn().tool_with_id("toolu_1", "mcp__client__gone", json!({})));
    let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
    assert_eq!(first["content"][0]["name"], "gone");
    house.answer(&with_tools(&[user("go"), first, user(json!([result("toolu_1", "r")]))], &["look"])).await;
    let requests = house.simulator.requests();
    assert_eq!(requests.len(), 2, "the program never calls upstream by itself");
    assert_eq!(requests[1].json()["messages"][2]["content"][0]["content"], json!("r"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_process_is_gone_after_its_time_and_a_hang_up_in_its_next_answer_leaves_nothing() {
    let house =
        House::that_keeps_with(|settings| Settings { hold_time: Duration::from_millis(300), ..settings })
            .await;
    house.simulator.script(turn().tool_with_id("toolu_1", "mcp__client__look", json!({})));
    let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
    house.nothing_is_left_within(Duration::from_secs(5)).await;
    let request = with_tools(&[user("go"), first, user(json!([result("toolu_1", "r")]))], &["look"]);
    house.answer(&request).await;
    drop(house);

    let house = House::that_keeps().await;
    house.simulator.script(turn().tool_with_id("toolu_1", "mcp__client__look", json!({})));
    house.simulator.script(turn().text("half").stall());
    let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
    let request = with_tools(&[user("go"), first, user(json!([result("toolu_1", "r")]))], &["look"]);
    let mut stream = house.start(&request).await.unwrap();
    futures_util::StreamExt::next(&mut stream).await.unwrap().unwrap();
    drop(stream);
    assert!(house.simulator.active_becomes(0, Duration::from_secs(1)).await);
    house.nothing_is_left_within(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thinking_model_keeps_its_signature_between_calls() {
    let house = House::that_keeps().await;
    house.simulator.script(turn().thinking("hm").text("x").tool_with_id(
        "toolu_1",
        "mcp__client__look",
        json!({}),
    ));
    let mut request = with_tools(&[user("go")], &["look"]);
    request["thinking"] = json!({"type": "adaptive"});
    let (events, error) = house.turn(&request).await;
    assert!(error.is_none(), "{error:?}");
    let messages = [user("go"), answer(&events), user(json!([result("toolu_1", "r")]))];
    let pids = programs();
    let mut request = with_tools(&messages, &["look"]);
    request["thinking"] = json!({"type": "adaptive"});
    house.answer(&request).await;
    assert_eq!(programs(), pids);
    assert_eq!(
        conversation(&house.simulator.requests()[1].json()),
        conversation(&json!({"messages": messages}))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claude_account_calls_tools_too() {
    let house =
        House::that_keeps_with(|settings| Settings { credentials: Credentials::OauthToken, ..settings })
            .await;
    house.simulator.script(turn().tool_with_id("toolu_1", "mcp__client__look", json!({"n": 1})));
    house.simulator.script(turn().text("done"));
    let first = house.answer(&with_tools(&[user("go")], &["look"])).await;
    let pids = programs();
    house.answer(&with_tools(&[user("go"), first, user(json!([result("toolu_1", "r")]))], &["look"])).await;
    assert_eq!(programs(), pids);
    let requests = house.simulator.requests();
    assert_eq!(requests.len(), 2);
    let tools = requests[1].json()["tools"].clone();
    assert_eq!((tools.as_array().unwrap().len(), &tools[0]["name"]), (1, &json!("mcp__client__look")));
    let arrived = requests[1].json()["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(arrived[0]["tool_use_id"], "toolu_1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_are_counted() {
    let house = House::new().await;
    let mut request = with_tools(&[user("go")], &["look"]);
    let counted =
        async |request: &Value| house.driver.count_tokens(request.to_string().as_bytes()).await.unwrap();
    let few = counted(&request).await;
    request["tools"][0]["description"] = json!("word ".repeat(1000));
    let many = counted(&request).await;
    assert!(many > few + 500, "{few} and {many}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conversations_with_tools_at_once_keep_apart() {
    let house = House::that_keeps_with(|settings| Settings { max_processes: 12, ..settings }).await;
    let talk = async |name: usize| {
        let id = format!("toolu_{name}");
        let go = format!("go {name}.");
        house.simulator.script(turn().when_text(&go).tool_with_id(
            &id,
            "mcp__client__look",
            json!({"n": name}),
        ));
        let said = house.answer(&with_tools(&[user(&*go)], &["look", "see"])).await;
        assert_eq!(said["content"][0]["input"], json!({"n": name}));
        let messages = [user(&*go), said, user(json!([result(&id, format!("result {name}"))]))];
        let last = house.answer(&with_tools(&messages, &["look", "see"])).await;
        assert_eq!(last["content"][0]["text"], format!("The tool said: \"result {name}\""));
    };
    futures_util::future::join_all((0..12).map(talk)).await;
    assert_eq!(programs().len(), 12);
    assert_eq!(house.simulator.requests().len(), 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_the_program_leaves_out_is_a_400_before_anything_is_asked() {
    let house = House::that_keeps().await;
    let mut request = with_tools(&[user("go")], &["look", "see"]);
    request["tools"][1]["input_schema"]["properties"]["n"]["type"] = json!("no such type");
    let (events, error) = house.turn(&request).await;
    let error = error.unwrap().error;
    assert_eq!((error.status, error.path.as_deref(), events.len()), (400, Some("tools"), 0));
    assert_eq!(house.simulator.requests().len(), 0);
    house.nothing_is_left_within(Duration::from_secs(5)).await;
}
