//! A small client that shows what hides elsewhere: chunk boundaries, cut bodies, connections left open.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use simulator::Simulator;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) const MODEL: &str = "claude-sonnet-5-5";
const PATIENCE: Duration = Duration::from_secs(5);

/// A `POST /v1/messages` body.
pub(crate) fn says(text: &str) -> Value {
    json!({"model": MODEL, "max_tokens": 256, "messages": [{"role": "user", "content": text}]})
}

/// The same, streamed.
pub(crate) fn streams(text: &str) -> Value {
    with(says(text), "stream", true)
}

/// The body with this member.
pub(crate) fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

/// The body for this model.
pub(crate) fn on(model: &str, body: Value) -> Value {
    with(body, "model", model)
}

/// A user message.
pub(crate) fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

/// An answer under way. Dropping it closes its connection.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    connection: JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A request with the headers a client of the API sends; `None` when the connection closed without an answer.
pub(crate) async fn request(
    simulator: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Option<Answer> {
    let stream = TcpStream::connect(simulator.address()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(async move {
        let _ = connection.await;
    });
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let sent = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.expect("no answer in time");
    let (head, body) = sent.ok()?.into_parts();
    Some(Answer { status: head.status.as_u16(), headers: head.headers, body, connection })
}

pub(crate) const USUAL: &[(&str, &str)] =
    &[("content-type", "application/json"), ("x-api-key", "test"), ("anthropic-version", "2023-06-01")];

pub(crate) async fn send(simulator: &Simulator, body: &Value) -> Answer {
    request(simulator, "POST", "/v1/messages", USUAL, body.to_string()).await.expect("an answer")
}

pub(crate) async fn get(simulator: &Simulator, path: &str) -> Answer {
    request(simulator, "GET", path, USUAL, "").await.expect("an answer")
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The next chunk; nothing at the end. An error when the connection closed too early.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("no chunk in time");
        frame.transpose().map(|frame| frame.map(|frame| frame.into_data().unwrap()))
    }

    /// Reads until the text has this in it.
    pub(crate) async fn until(&mut self, part: &str) -> String {
        let mut text = String::new();
        while !text.contains(part) {
            let chunk = self.chunk().await.unwrap().unwrap_or_else(|| panic!("{part} never came: {text}"));
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    }

    /// All chunks, and whether the body ended properly.
    pub(crate) async fn chunks(mut self) -> (Vec<Bytes>, bool) {
        let mut chunks = Vec::new();
        loop {
            match self.chunk().await {
                Ok(Some(chunk)) => chunks.push(chunk),
                Ok(None) => return (chunks, true),
                Err(_) => return (chunks, false),
            }
        }
    }

    pub(crate) async fn text(self) -> String {
        let (chunks, proper) = self.chunks().await;
        let text = String::from_utf8(chunks.concat()).unwrap();
        assert!(proper, "cut: {text}");
        text
    }

    pub(crate) async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    /// The events as (name, data).
    pub(crate) async fn events(self) -> Vec<(String, Value)> {
        events(&self.text().await)
    }
}

pub(crate) fn events(text: &str) -> Vec<(String, Value)> {
    let event = |frame: &str| {
        let (name, data) = frame.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        (name, serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap())
    };
    text.split_terminator("\n\n").map(event).collect()
}
