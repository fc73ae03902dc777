//! The endpoints that give tokens: OAuth's, the exchange for workload identity, and a machine's metadata server.

use super::{CLIENT_ID, CLIENT_SECRET, Key, REFRESH_TOKEN, SUBJECT_TOKEN, decoded};
use crate::clock;
use hyper::{HeaderMap, Method};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const IMPERSONATE: &str = "/v1/impersonate";

pub(crate) fn is_path(path: &str) -> bool {
    matches!(path, "/token" | "/sts" | METADATA | IMPERSONATE)
}

/// The tokens given so far, each with its end in seconds since 1970.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Vec<u64>>);

impl Tokens {
    fn give(&self, lifetime_seconds: u64) -> String {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.push(clock::unix_ms() as u64 / 1000 + lifetime_seconds);
        format!("ya29.simulated-{}", given.len())
    }

    pub(super) fn is_good(&self, token: &str) -> bool {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = token.strip_prefix("ya29.simulated-").and_then(|number| number.parse::<usize>().ok());
        let end = number.and_then(|number| given.get(number.checked_sub(1)?));
        end.is_some_and(|end| clock::unix_ms() < (*end * 1000) as f64)
    }
}

/// A request for a token.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Where this endpoint is, as an assertion must name it.
    pub(crate) url: String,
    pub(crate) lifetime_seconds: u64,
}

/// Status and body.
pub(crate) fn answer(asked: &Asked<'_>, key: &Key, tokens: &Tokens) -> (u16, String) {
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    let granted = match (asked.method, asked.path) {
        (&Method::POST, "/token") => grant(asked, key),
        (&Method::POST, "/sts") => exchange(&form(asked.body)),
        (&Method::GET, METADATA) if header("metadata-flavor") == Some("Google") => Ok(()),
        (&Method::POST, IMPERSONATE) => return impersonate(asked, tokens),
        _ => Err("Missing Metadata-Flavor:Google header."),
    };
    match granted {
        Ok(()) => {
            let token = tokens.give(asked.lifetime_seconds);
            (
                200,
                json!({"access_token": token, "expires_in": asked.lifetime_seconds, "token_type": "Bearer"})
                    .to_string(),
            )
        }
        Err(why) => (400, json!({"error": "invalid_grant", "error_description": why}).to_string()),
    }
}

fn grant(asked: &Asked<'_>, key: &Key) -> Result<(), &'static str> {
    let form = form(asked.body);
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    match field("grant_type") {
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => key.verify(field("assertion"), &asked.url),
        "refresh_token" => {
            let given = (field("client_id"), field("client_secret"), field("refresh_token"));
            let known = given == (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN);
            if known { Ok(()) } else { Err("Token has been expired or revoked.") }
        }
        _ => Err("Invalid grant_type."),
    }
}

fn exchange(form: &BTreeMap<String, String>) -> Result<(), &'static str> {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let asked = (field("grant_type"), field("requested_token_type"), field("subject_token"));
    let expected = (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:token-type:access_token",
        SUBJECT_TOKEN,
    );
    if asked != expected || field("audience").is_empty() || field("subject_token_type").is_empty() {
        return Err("The subject token or the request for it is invalid.");
    }
    Ok(())
}

fn impersonate(asked: &Asked<'_>, tokens: &Tokens) -> (u16, String) {
    if super::authorize(asked.headers, tokens).is_err() {
        return (401, json!({"error": {"code": 401, "status": "UNAUTHENTICATED"}}).to_string());
    }
    let expires = clock::rfc3339_in(asked.lifetime_seconds);
    (200, json!({"accessToken": tokens.give(asked.lifetime_seconds), "expireTime": expires}).to_string())
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body).replace('+', " ");
    let fields = text.split('&').filter_map(|pair| pair.split_once('='));
    fields.filter_map(|(name, value)| Some((decoded(name)?, decoded(value)?))).collect()
}
