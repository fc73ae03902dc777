//! Connections: how long they may stay without a request, and how many there may be.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Proxy;

const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Whether the server closes the connection without a word, within our patience.
async fn is_closed(connection: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, connection.read_to_end(&mut rest)).await.is_ok()
}

async fn is_answered(connection: &mut TcpStream, within: Duration) -> bool {
    let mut answer = [0; 512];
    let read = tokio::time::timeout(within, connection.read(&mut answer)).await;
    matches!(read, Ok(Ok(length)) if answer[..length].starts_with(b"HTTP/1.1 200"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_nothing_is_closed() {
    let proxy = Proxy::with(json!({ "server": { "header_timeout": 0.2 } })).await;
    let mut silent = TcpStream::connect(proxy.address).await.unwrap();
    let mut slow = TcpStream::connect(proxy.address).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: loc").await.unwrap();
    assert!(is_closed(&mut silent).await);
    assert!(is_closed(&mut slow).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_wait_for_its_next_request_but_not_for_ever() {
    let proxy = Proxy::with(json!({ "server": { "header_timeout": 0.2, "idle_timeout": 1 } })).await;
    let mut kept = TcpStream::connect(proxy.address).await.unwrap();
    for _ in 0..2 {
        kept.write_all(REQUEST).await.unwrap();
        assert!(is_answered(&mut kept, PATIENCE).await);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert!(is_closed(&mut kept).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_cap_connections_wait_their_turn() {
    let proxy = Proxy::with(json!({ "server": { "max_connections": 1 } })).await;
    let mut first = TcpStream::connect(proxy.address).await.unwrap();
    first.write_all(REQUEST).await.unwrap();
    assert!(is_answered(&mut first, PATIENCE).await);
    let mut second = TcpStream::connect(proxy.address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    assert!(!is_answered(&mut second, Duration::from_millis(200)).await);
    drop(first);
    assert!(is_answered(&mut second, PATIENCE).await);
}
