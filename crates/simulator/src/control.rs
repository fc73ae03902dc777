//! The control endpoints below `/__sim/`, for tests that are not written in Rust.

use crate::answer::AnswerBody;
use crate::base64;
use crate::exchange::unrecorded;
use crate::models::parameter;
use crate::record::{Ended, Recorded};
use crate::script::Turn;
use crate::server::State;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

pub(crate) fn answer(state: &State, head: &Parts, body: &[u8]) -> Response<AnswerBody> {
    let query = head.uri.query().unwrap_or_default();
    let outcome = match (&head.method, head.uri.path()) {
        (&Method::POST, "/__sim/script") => script(state, body),
        (&Method::DELETE, "/__sim/script") => {
            state.queue.clear();
            Ok(r#"{"queued":0}"#.to_owned())
        }
        (&Method::GET, "/__sim/requests") => Ok(requests(state, query)),
        (&Method::DELETE, "/__sim/requests") => {
            state.ledger.clear();
            Ok("[]".to_owned())
        }
        (&Method::GET, "/__sim/active") => Ok(active(state)),
        (&Method::GET, "/__sim/service-account") => Ok(state.service_account()),
        (&Method::POST, "/__sim/release") => release(state, body),
        _ => return unrecorded(404, r#"{"error":"no such control endpoint"}"#.to_owned()),
    };
    match outcome {
        Ok(text) => unrecorded(200, text),
        Err(error) => unrecorded(400, serde_json::json!({ "error": error.to_string() }).to_string()),
    }
}

/// One turn or a list of them.
fn script(state: &State, body: &[u8]) -> Result<String, serde_json::Error> {
    let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let turns: Vec<Turn> =
        if is_list { serde_json::from_slice(body)? } else { vec![serde_json::from_slice(body)?] };
    state.queue.push(turns);
    Ok(format!(r#"{{"queued":{}}}"#, state.queue.len()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    #[serde(default = "once")]
    times: u64,
}

fn once() -> u64 {
    1
}

fn release(state: &State, body: &[u8]) -> Result<String, serde_json::Error> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    state.release(serde_json::from_slice::<Release>(body)?.times);
    Ok(active(state))
}

fn active(state: &State) -> String {
    let ids = state.ledger.open_ids();
    serde_json::json!({ "active": ids.len(), "ids": ids }).to_string()
}

/// A recorded request as the control endpoint shows it.
#[derive(Serialize)]
struct Shown<'a> {
    id: u64,
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    /// The body as text; when it is not UTF-8, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    json: Option<&'a RawValue>,
    started_ms: f64,
    status: Option<u16>,
    ended: Option<Ended>,
    ended_ms: Option<f64>,
}

impl<'a> Shown<'a> {
    fn new(request: &'a Recorded) -> Self {
        let body = std::str::from_utf8(&request.body).ok();
        Self {
            id: request.id,
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            body,
            body_base64: body.is_none().then(|| base64::encode(&request.body)),
            json: serde_json::from_slice(&request.body).ok(),
            started_ms: request.started_ms,
            status: request.status,
            ended: request.ended,
            ended_ms: request.ended_ms,
        }
    }
}

/// `?path=/v1/messages` shows only that path, `?after=ID` only later ones.
fn requests(state: &State, query: &str) -> String {
    let path = parameter(query, "path");
    let after = parameter(query, "after").and_then(|id| id.parse().ok()).unwrap_or(0);
    let requests = state.ledger.requests();
    let shown: Vec<_> = requests
        .iter()
        .filter(|request| request.id > after && path.is_none_or(|path| request.path == path))
        .map(Shown::new)
        .collect();
    serde_json::to_string(&shown).unwrap_or_default()
}
