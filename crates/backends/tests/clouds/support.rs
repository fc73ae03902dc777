//! A call, and what comes of it.

use std::time::Duration;

use backends::{Backend, BackendError, Call, Reply, ReplyBody, Timeouts};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use messages::RawEvent;
use serde_json::{Value, json};
use simulator::Simulator;

pub(crate) const MODEL: &str = "claude-sonnet-5-5";
/// What the simulator answers to the usual request.
pub(crate) const ECHO: &str = r#"You said: "Hi""#;
pub(crate) const TIMEOUTS: Timeouts =
    Timeouts { quiet: Duration::from_secs(5), response: Duration::from_secs(5) };

/// A Messages request with these members over the usual ones.
pub(crate) fn call(over: &Value) -> Call {
    let mut body = json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in over.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (model, stream) = (body["model"].as_str().unwrap().to_owned(), body["stream"] == true);
    let query = Some("beta=true".to_owned());
    Call { query, ..Call::of_our_own(body.to_string().into(), &model, stream) }
}

/// The same without `max_tokens`, to be counted.
pub(crate) fn count() -> Call {
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "Count these words"}]});
    Call { body: body.to_string().into(), ..call(&json!({})) }
}

pub(crate) async fn bytes(reply: Reply) -> Bytes {
    match reply.body {
        ReplyBody::Bytes(body) => body.collect().await.unwrap().to_bytes(),
        ReplyBody::Json(json) => json,
        ReplyBody::Events(_) => panic!("events"),
    }
}

pub(crate) async fn json_of(reply: Reply) -> Value {
    serde_json::from_slice(&bytes(reply).await).unwrap()
}

/// The events up to the end or an error.
pub(crate) async fn events(reply: Reply) -> (Vec<RawEvent>, Option<BackendError>) {
    let ReplyBody::Events(mut stream) = reply.body else { panic!("no events") };
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing comes behind an error");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

pub(crate) async fn text(backend: &dyn Backend) -> Result<String, (u16, String)> {
    let reply =
        backend.send(call(&json!({}))).await.map_err(|failure| (failure.error.status, failure.detail))?;
    let status = reply.status.as_u16();
    let answer = json_of(reply).await;
    match answer["content"][0]["text"].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err((status, answer["error"]["message"].as_str().unwrap().to_owned())),
    }
}

/// What arrived at paths that begin like this.
pub(crate) fn arrived(simulator: &Simulator, start: &str) -> Vec<simulator::Recorded> {
    simulator.requests().into_iter().filter(|request| request.path.starts_with(start)).collect()
}
