//! How the server stops.

use std::time::Duration;

use serde_json::json;
use simulator::turn;

use crate::support::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_running_stream_ends_in_peace_and_nothing_new_begins() {
    let mut proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two"));
    let mut answer = proxy.chat("hi", true).await;
    answer.expect("one").await;
    proxy.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(proxy.address).await.is_err(), "the port is closed");
    proxy.simulator.release();
    assert!(answer.text().await.ends_with("data: [DONE]\n\n"));
    proxy.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlives_the_patience_is_cut_with_an_error_in_its_dialect() {
    let mut proxy = Proxy::with(json!({ "server": { "drain_timeout": 0.2 } })).await;
    proxy.simulator.script(turn().text("one").hold());
    let mut chat = proxy.chat("hi", true).await;
    chat.expect("one").await;
    proxy.simulator.script(turn().text("one").hold());
    let mut messages = proxy.messages("hi", true).await;
    messages.expect("one").await;
    proxy.stop();
    let text = chat.text().await;
    assert!(text.contains("data: {\"error\":") && !text.contains("[DONE]"), "{text}");
    let text = messages.text().await;
    assert!(text.contains("event: error\n") && !text.contains("message_stop"), "{text}");
    proxy.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_request_is_told_that_the_server_stops() {
    let mut proxy = Proxy::with(json!({ "server": { "drain_timeout": 0.2 } })).await;
    proxy.simulator.script(turn().hold());
    let address = proxy.url("/v1/chat/completions");
    let client = backends::HttpClient::new(backends::Timeouts {
        quiet: Duration::from_secs(10),
        response: Duration::from_secs(10),
    });
    let body = bytes::Bytes::from(crate::support::chat_request("hi", false).to_string());
    let request = http::Request::post(address).header("content-type", "application/json");
    let request = request.body(http_body_util::Full::new(body)).unwrap();
    let waiting = tokio::spawn(async move { client.send(request, true).await.unwrap().status() });
    assert!(proxy.simulator.active_becomes(1, Duration::from_secs(5)).await);
    proxy.stop();
    assert_eq!(waiting.await.unwrap(), 503);
    proxy.stopped().await;
}
