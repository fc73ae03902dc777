//! How exchanges end: clients that leave, errors, cuts, silence.

use crate::client::{USUAL, events, request, says, send, streams};
use serde_json::json;
use simulator::{Before, Ended, HttpError, Simulator, Turn, turn};
use std::time::{Duration, Instant};

/// Starts an answer, leaves as soon as it can, and says how long it took the simulator to notice.
async fn time_to_notice(script: Turn, streamed: bool) -> Duration {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(script);
    if streamed {
        let mut answer = send(&simulator, &streams("go")).await;
        answer.until("one").await;
        drop(answer);
    } else {
        let asking = tokio::time::timeout(Duration::from_millis(100), send(&simulator, &says("go"))).await;
        assert!(asking.is_err(), "answered too early");
    }
    let left = Instant::now();
    assert!(simulator.active_becomes(0, Duration::from_secs(2)).await);
    let noticed = left.elapsed();
    assert_eq!(simulator.requests()[0].ended, Some(Ended::ClientGone));
    noticed
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_once() {
    // Some milliseconds in truth; a busy machine needs more.
    let most = Duration::from_millis(250);
    for (name, streamed, script) in [
        ("hold", true, turn().text("one").hold()),
        ("pause", true, turn().text("one").pause(60_000)),
        ("stall", true, turn().text("one").stall()),
        ("gaps", true, turn().texts(["one", "two", "three"]).gap(30_000)),
        ("flood", true, turn().text("one").texts(vec!["x".repeat(10_000); 5_000])),
        ("hold before", false, turn().first(Before::Hold)),
        ("stall before", false, turn().first(Before::Stall)),
    ] {
        let noticed = time_to_notice(script, streamed).await;
        assert!(noticed < most, "{name}: {noticed:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_a_whole_message_is_held_is_noticed() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").hold());
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, send(&simulator, &says("go"))).await.is_err());
    assert!(simulator.active_becomes(0, patience).await);
}

#[tokio::test]
async fn errors_have_the_shape_and_headers_of_the_api() {
    let simulator = Simulator::start().await.unwrap();
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ] {
        simulator.script(turn().error(status).header("retry-after", "7"));
        let answer = send(&simulator, &streams("go")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, "7"));
        let id = answer.header("request-id").to_owned();
        let body = answer.json().await;
        assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!(kind)));
        assert_eq!(body["request_id"], id);
    }
}

#[tokio::test]
async fn an_error_may_be_some_load_balancers_page() {
    let simulator = Simulator::start().await.unwrap();
    let page = "<html><h1>502 Bad Gateway</h1></html>";
    simulator.script(turn().http_error(HttpError {
        status: 502,
        body: Some(page.into()),
        ..HttpError::default()
    }));
    let answer = send(&simulator, &says("go")).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, "text/html"));
    assert_eq!(answer.text().await, page);
}

#[tokio::test]
async fn an_error_inside_the_stream_is_its_last_event() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").stream_error("overloaded_error", "Overloaded").times(2));
    let streamed = send(&simulator, &streams("go")).await.events().await;
    let (name, data) = streamed.last().unwrap();
    assert_eq!((name.as_str(), &data["error"]["type"]), ("error", &json!("overloaded_error")));
    assert_eq!(send(&simulator, &says("go")).await.status, 529);
}

#[tokio::test]
async fn a_cut_ends_the_connection_inside_an_event() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").cut());
    let (chunks, proper) = send(&simulator, &streams("go")).await.chunks().await;
    let text = String::from_utf8(chunks.concat()).unwrap();
    assert!(!proper && text.contains("one") && text.ends_with("\"delt"), "{text}");
    assert_eq!(simulator.requests()[0].ended, Some(Ended::Cut));
}

#[tokio::test]
async fn a_close_ends_the_connection_between_events_and_an_end_ends_the_body() {
    let simulator = Simulator::start().await.unwrap();
    simulator.scripts([turn().text("one").close(), turn().text("one").end()]);
    for proper_end in [false, true] {
        let (chunks, proper) = send(&simulator, &streams("go")).await.chunks().await;
        let text = String::from_utf8(chunks.concat()).unwrap();
        assert_eq!(proper, proper_end);
        assert_eq!(events(&text).last().unwrap().0, "content_block_delta");
    }
}

#[tokio::test]
async fn a_whole_message_can_be_cut_too() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("a long enough answer").cut());
    let answer = send(&simulator, &says("go")).await;
    let length: usize = answer.header("content-length").parse().unwrap();
    let (chunks, proper) = answer.chunks().await;
    assert!(!proper && chunks.concat().len() < length);
}

#[tokio::test]
async fn a_connection_can_close_without_any_answer() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().first(Before::Close));
    let body = says("go").to_string();
    assert!(request(&simulator, "POST", "/v1/messages", USUAL, body).await.is_none());
    assert_eq!(simulator.requests()[0].ended, Some(Ended::Cut));
}

#[tokio::test]
async fn dropping_the_simulator_ends_its_connections() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("one").hold());
    let mut answer = send(&simulator, &streams("go")).await;
    answer.until("one").await;
    drop(simulator);
    assert!(answer.chunk().await.is_err());
}
