//! Responses over the Messages API: kept, found again, gone on from.

use dialects::openai_responses::grammar::Checker;
use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Answer, Proxy};

pub(crate) const MODEL: &str = "claude-sonnet-5-5";

/// A request for a response with these members over the usual ones.
pub(crate) async fn create(proxy: &Proxy, more: Value) -> Answer {
    create_as(proxy, &[], more).await
}

pub(crate) async fn create_as(proxy: &Proxy, headers: &[(&str, &str)], more: Value) -> Answer {
    let mut body = json!({ "model": MODEL, "input": "hi" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    proxy.post("/v1/responses", headers, body.to_string()).await
}

pub(crate) async fn created(proxy: &Proxy, more: Value) -> Value {
    let answer = create(proxy, more).await;
    assert_eq!(answer.status, 200);
    answer.json().await
}

pub(crate) fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

pub(crate) async fn get(proxy: &Proxy, path: &str) -> Answer {
    proxy.get(&format!("/v1/responses/{path}"), &[]).await
}

/// The events of a stream from the one of this number on; their numbers have no gap, and from the first one on they
/// keep the rules of OpenAI's streams.
pub(crate) fn events(text: &str, first: u64) -> Vec<Value> {
    let events: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    for (number, event) in (first..).zip(&events) {
        assert_eq!(event["sequence_number"], number, "{text}");
    }
    let mut rules = Checker::default();
    for event in events.iter().filter(|_| first == 0) {
        let kept = rules.push(event["type"].as_str().unwrap(), event.to_string().as_bytes());
        assert_eq!(kept, Ok(()), "{text}");
    }
    events
}

pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

pub(crate) fn said(response: &Value) -> &str {
    response["output"][0]["content"][0]["text"].as_str().unwrap()
}

/// How many messages the API was asked for.
pub(crate) fn asked(proxy: &Proxy) -> usize {
    proxy.simulator.requests().iter().filter(|sent| sent.path == "/v1/messages").count()
}

/// The last request that reached the API.
fn sent(proxy: &Proxy) -> Value {
    proxy.simulator.requests().last().unwrap().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_told_again_until_it_is_deleted() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("hello"));
    let response = created(&proxy, json!({ "metadata": { "a": "b" } })).await;
    assert!(id(&response).starts_with("resp_"));
    assert_eq!((&response["store"], &response["status"]), (&json!(true), &json!("completed")));
    assert_eq!(get(&proxy, id(&response)).await.json().await, response);

    let path = format!("/v1/responses/{}", id(&response));
    let delete = || proxy.send(http::Method::DELETE, &path, &[], bytes::Bytes::new());
    let deleted = delete().await.json().await;
    assert_eq!(deleted["deleted"], true);
    for gone in [delete().await, get(&proxy, id(&response)).await] {
        assert_eq!(gone.status, 404);
        assert_eq!(gone.json().await["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_the_end_of_a_stream_finds_the_response() {
    let proxy = Proxy::start().await;
    for _ in 0..20 {
        let mut answer = create(&proxy, json!({ "stream": true })).await;
        let text = answer.expect("response.completed").await;
        let events = events(&text, 0);
        let last = &events.last().unwrap()["response"];
        assert_eq!(get(&proxy, id(last)).await.json().await, *last);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_kept_is_not_kept() {
    let proxy = Proxy::start().await;
    let response = created(&proxy, json!({ "store": false })).await;
    assert_eq!(response["store"], false);
    assert_eq!(get(&proxy, id(&response)).await.status, 404);
    let metrics = proxy.metrics().await;
    assert!(metrics.contains("ccp_stored_responses 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_from_its_last_response() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().thinking("hm").text("one"));
    let first = created(&proxy, json!({ "input": "first", "instructions": "be brief" })).await;
    proxy.simulator.script(turn().text("two"));
    let second = created(&proxy, json!({ "input": "second", "previous_response_id": id(&first) })).await;
    assert_eq!(second["previous_response_id"], first["id"]);
    created(&proxy, json!({ "input": "third", "previous_response_id": id(&second) })).await;

    let sent = sent(&proxy);
    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
    let text = sent["messages"].to_string();
    for word in ["first", "one", "second", "two", "third"] {
        assert!(text.contains(word), "{text}");
    }
    assert!(sent.get("system").is_none(), "instructions hold for their own response alone: {sent}");

    let listed = get(&proxy, &format!("{}/input_items?order=asc", id(&second))).await.json().await;
    let kinds: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.last(), Some(&"message"));
    assert_eq!(listed["data"].as_array().unwrap().last().unwrap()["content"][0]["text"], "second");
    assert_eq!(listed["has_more"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_comes_back_with_its_signature_in_a_tool_loop() {
    let proxy = Proxy::start().await;
    let tools =
        json!([{ "type": "function", "name": "add", "parameters": { "type": "object", "properties": {} } }]);
    let mut more = json!({ "input": "add", "tools": tools, "reasoning": { "effort": "high" } });
    for round in 0..4 {
        proxy.simulator.script(turn().thinking(format!("round {round}")).tool("add", json!({ "n": round })));
        let response = created(&proxy, more.clone()).await;
        let call = response["output"].as_array().unwrap().iter().find(|item| item["type"] == "function_call");
        let output =
            json!([{ "type": "function_call_output", "call_id": call.unwrap()["call_id"], "output": "7" }]);
        more["input"] = output;
        more["previous_response_id"] = response["id"].clone();
    }
    proxy.simulator.script(turn().text("done"));
    assert_eq!(said(&created(&proxy, more).await), "done");
    let sent = sent(&proxy)["messages"].to_string();
    // The simulator checks the signatures; that all of them were there is checked here.
    assert_eq!(sent.matches("\"signature\"").count(), 4, "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_found_by_its_reference() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().tool("add", json!({ "n": 1 })));
    let tools =
        json!([{ "type": "function", "name": "add", "parameters": { "type": "object", "properties": {} } }]);
    let first = created(&proxy, json!({ "tools": tools })).await;
    let call = &first["output"][0];
    let input = json!([
        { "role": "user", "content": "hi" },
        { "type": "item_reference", "id": call["id"] },
        { "type": "function_call_output", "call_id": call["call_id"], "output": "7" },
    ]);
    created(&proxy, json!({ "input": input, "tools": tools })).await;
    assert_eq!(sent(&proxy)["messages"][1]["content"][0]["name"], "add");

    let unknown = json!({ "input": [{ "type": "item_reference", "id": "msg_unknown" }] });
    let refused = create(&proxy, unknown).await;
    assert!(refused.status.is_client_error());
    assert!(refused.text().await.contains("input[0]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_not_there_can_not_be_gone_on_from() {
    let proxy = Proxy::start().await;
    let answer = create(&proxy, json!({ "previous_response_id": "resp_unknown" })).await;
    assert_eq!(answer.status, 400);
    let error = answer.json().await["error"].clone();
    assert_eq!(error["code"], "previous_response_not_found");
    assert_eq!(error["param"], "previous_response_id");
    assert_eq!(asked(&proxy), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_items_comes_in_pages_newest_first() {
    let proxy = Proxy::start().await;
    let input: Vec<Value> = (0..5).map(|n| json!({ "role": "user", "content": format!("n{n}") })).collect();
    let response = created(&proxy, json!({ "input": input })).await;
    let list = |query: String| get_json(&proxy, format!("{}/input_items{query}", id(&response)));
    let page = list("?limit=2".into()).await;
    let text = |page: &Value, n: usize| page["data"][n]["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!((text(&page, 0), text(&page, 1)), ("n4".into(), "n3".into()));
    assert_eq!((&page["has_more"], &page["object"]), (&json!(true), &json!("list")));
    let rest = list(format!("?limit=9&after={}", page["last_id"].as_str().unwrap())).await;
    assert_eq!((text(&rest, 0), text(&rest, 2)), ("n2".into(), "n0".into()));
    assert_eq!(rest["has_more"], false);
    for (query, param) in [("?limit=0", "limit"), ("?limit=101", "limit"), ("?order=up", "order")] {
        assert_eq!(list(query.into()).await["error"]["param"], param);
    }
}

async fn get_json(proxy: &Proxy, path: String) -> Value {
    get(proxy, &path).await.json().await
}

#[tokio::test(flavor = "multi_thread")]
async fn input_tokens_are_counted_with_what_was_said_before() {
    let proxy = Proxy::start().await;
    let first = created(&proxy, json!({ "input": "a long story ".repeat(50) })).await;
    let count = |more: Value| {
        let mut body = json!({ "model": MODEL, "input": "hi" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        proxy.post("/v1/responses/input_tokens", &[], body.to_string())
    };
    let alone = count(json!({})).await.json().await;
    assert_eq!(alone["object"], "response.input_tokens");
    let with_story = count(json!({ "previous_response_id": id(&first) })).await.json().await;
    assert!(with_story["input_tokens"].as_u64() > alone["input_tokens"].as_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_as_failed_and_is_found_as_that() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one two").cut());
    let text = create(&proxy, json!({ "stream": true })).await.text().await;
    let events = events(&text, 0);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert!(!text.contains("response.completed"));
    let found = get(&proxy, id(&last["response"])).await.json().await;
    assert_eq!((&found["status"], &found["error"]["code"]), (&json!("failed"), &json!("server_error")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_ends_the_upstream_exchange_and_nothing_is_kept() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two"));
    let mut answer = create(&proxy, json!({ "stream": true })).await;
    answer.expect("one").await;
    drop(answer);
    assert!(proxy.simulator.active_becomes(0, std::time::Duration::from_secs(5)).await);
    assert!(proxy.metrics().await.contains("ccp_stored_responses 0"));
}
