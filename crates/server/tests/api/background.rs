//! Responses made while nobody waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::turn;

use crate::responses::{asked, create, created, events, get, id, kinds};
use crate::support::Proxy;

const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until the response has this status, as a client would.
async fn becomes(proxy: &Proxy, id: &str, status: &str) -> Value {
    let begun = Instant::now();
    loop {
        let response = get(proxy, id).await.json().await;
        if response["status"] == status {
            return response;
        }
        assert!(begun.elapsed() < PATIENCE, "still not {status}: {response}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn background(proxy: &Proxy) -> String {
    let response = created(proxy, json!({ "background": true })).await;
    assert_eq!((&response["status"], &response["output"]), (&json!("queued"), &json!([])));
    assert_eq!(response["background"], true);
    id(&response).to_owned()
}

fn text(response: &Value) -> &str {
    response["output"][0]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_after_its_caller_has_gone_and_found_by_polling() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one ").hold().text("two"));
    let id = background(&proxy).await;
    becomes(&proxy, &id, "in_progress").await;
    get(&proxy, &format!("{id}?stream=true")).await.expect("one ").await;
    proxy.simulator.release();
    let response = becomes(&proxy, &id, "completed").await;
    assert_eq!(text(&response), "one two");
    assert!(response["usage"]["output_tokens"].as_u64() > Some(0));
    let next = created(&proxy, json!({ "previous_response_id": id })).await;
    assert_eq!(next["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_stream_is_taken_up_again_at_any_event() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().texts(["one "]).hold().texts(["two"]));
    let mut answer = create(&proxy, json!({ "background": true, "stream": true })).await;
    let seen = answer.expect("one ").await;
    drop(answer);
    let first = events(&seen, 0);
    assert_eq!(kinds(&first)[..3], ["response.created", "response.queued", "response.in_progress"]);
    let id = id(&first[0]["response"]).to_owned();
    let last_seen = first.last().unwrap()["sequence_number"].as_u64().unwrap();

    let mut live = get(&proxy, &format!("{id}?stream=true&starting_after={last_seen}")).await;
    proxy.simulator.release();
    let rest = live.expect("response.completed").await;
    let rest = events(&rest, last_seen + 1);
    assert_eq!(text(&rest.last().unwrap()["response"]), "one two");

    becomes(&proxy, &id, "completed").await;
    let whole = events(&get(&proxy, &format!("{id}?stream=true")).await.text().await, 0);
    let pieces: Vec<Value> = first.iter().chain(&rest).cloned().collect();
    assert_eq!(whole, pieces, "told again as it was told");
    let end = get(&proxy, &format!("{id}?stream=true&starting_after={}", whole.len() - 2)).await.text().await;
    assert_eq!(events(&end, whole.len() as u64 - 1), whole[whole.len() - 1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_made_in_the_background_is_streamed_again_or_cancelled() {
    let proxy = Proxy::start().await;
    let response = created(&proxy, json!({})).await;
    let path = id(&response);
    let refused = get(&proxy, &format!("{path}?stream=true")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json().await["error"]["param"].clone()),
        (400, json!("stream"))
    );
    let refused = proxy.post(&format!("/v1/responses/{path}/cancel"), &[], "").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().await.contains("background"));
    let refused = get(&proxy, &format!("{path}?starting_after=1")).await;
    assert_eq!(refused.json().await["error"]["param"], "starting_after");
    let refused = create(&proxy, json!({ "background": true, "store": false })).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json().await["error"]["param"].clone()),
        (400, json!("background"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_the_upstream_exchange_its_readers_and_stays_cancelled() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two"));
    let id = background(&proxy).await;
    let mut reader = get(&proxy, &format!("{id}?stream=true")).await;
    reader.expect("one").await;
    let path = format!("/v1/responses/{id}/cancel");
    let cancel = || proxy.post(&path, &[], "");
    let cancelled = cancel().await.json().await;
    assert_eq!(cancelled["status"], "cancelled");
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(5)).await);
    let rest = reader.text().await;
    assert!(rest.contains("response_cancelled") && !rest.contains("response.completed"), "{rest}");
    assert_eq!(get(&proxy, &id).await.json().await, cancelled);
    assert_eq!(cancel().await.json().await, cancelled, "once more changes nothing");
    let events = events(&get(&proxy, &format!("{id}?stream=true")).await.text().await, 0);
    assert_eq!(kinds(&events).last(), Some(&"error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_it_ends_it() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two"));
    let id = background(&proxy).await;
    assert!(proxy.simulator.active_becomes(1, PATIENCE).await);
    let path = format!("/v1/responses/{id}");
    let deleted = proxy.send(http::Method::DELETE, &path, &[], bytes::Bytes::new()).await;
    assert_eq!(deleted.status, 200);
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(5)).await);
    assert_eq!(get(&proxy, &id).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_upstream_refuses_is_failed_with_the_reason() {
    let proxy = Proxy::start().await;
    for script in
        [turn().error(400).message("just so"), turn().text("x").stream_error("overloaded_error", "just so")]
    {
        proxy.simulator.script(script);
        let id = background(&proxy).await;
        let response = becomes(&proxy, &id, "failed").await;
        assert!(response["error"]["message"].as_str().unwrap().contains("just so"), "{response}");
        let events = events(&get(&proxy, &format!("{id}?stream=true")).await.text().await, 0);
        assert_eq!(kinds(&events).last(), Some(&"response.failed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_running_can_not_be_gone_on_from_yet() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold());
    let id = background(&proxy).await;
    becomes(&proxy, &id, "in_progress").await;
    let refused = create(&proxy, json!({ "previous_response_id": id })).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().await.contains("in_progress"));
}

/// Stops the server and starts another over what it left.
async fn restarted(mut proxy: Proxy) -> Proxy {
    let data_dir = Arc::clone(&proxy.data_dir);
    proxy.stop();
    proxy.stopped().await;
    Proxy::over(data_dir, json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_has_seen_anything_of_is_made_by_the_next_server() {
    let proxy = Proxy::with(json!({ "server": { "drain_timeout": 0.2 } })).await;
    proxy.simulator.script(turn().hold());
    let id = background(&proxy).await;
    assert!(proxy.simulator.active_becomes(1, PATIENCE).await);
    becomes(&proxy, &id, "in_progress").await;
    let next = restarted(proxy).await;
    let response = becomes(&next, &id, "completed").await;
    assert!(!text(&response).is_empty());
    let events = events(&get(&next, &format!("{id}?stream=true")).await.text().await, 0);
    assert_eq!(kinds(&events)[..3], ["response.created", "response.queued", "response.in_progress"]);
    assert_eq!(asked(&next), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_partly_seen_fails_when_the_server_stops_and_says_so_to_its_readers() {
    let proxy = Proxy::with(json!({ "server": { "drain_timeout": 0.2 } })).await;
    proxy.simulator.script(turn().text("one").tool("add", json!({ "n": 1 })).text("two").hold());
    let tools =
        json!([{ "type": "function", "name": "add", "parameters": { "type": "object", "properties": {} } }]);
    let more = json!({ "background": true, "stream": true, "tools": tools });
    let mut answer = create(&proxy, more).await;
    let seen = answer.expect("two").await;
    let id = id(&events(&seen, 0)[0]["response"]).to_owned();
    let next = restarted(proxy).await;
    let rest = answer.text().await;
    assert!(rest.contains("event: error") || rest.contains("response.failed"), "{rest}");
    let response = get(&next, &id).await.json().await;
    assert_eq!(response["status"], "failed", "{response}");
    assert_eq!(response["output"].as_array().unwrap().len(), 2, "what was seen to be done: {response}");
    let events = events(&get(&next, &format!("{id}?stream=true")).await.text().await, 0);
    assert_eq!(kinds(&events).last(), Some(&"response.failed"));
    assert_eq!(asked(&next), 0, "it is not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_line_and_one_count_with_its_tokens() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").usage(11, 7));
    let id = background(&proxy).await;
    becomes(&proxy, &id, "completed").await;
    let metrics = proxy.metrics().await;
    let line = format!("model=\"{}\",status=\"200\"", crate::responses::MODEL);
    assert!(metrics.lines().any(|told| told.contains(&line) && told.ends_with(" 1")), "{metrics}");
    assert!(metrics.contains("kind=\"output\"} 7"), "{metrics}");
    assert!(metrics.contains("ccp_active_requests 0"), "{metrics}");
}
