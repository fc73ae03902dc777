//! Whether the real API would take a request, and what it would say if not.
//!
//! First the shape of every field, then what the fields say together and to the model: the order in which the API
//! finds fault. The first fault is the answer.

mod blocks;
mod cache;
mod fields;
mod flaw;
mod header;
mod messages;
mod model;
mod pairing;
mod sources;
mod thinking;
mod tools;
mod top;

pub(crate) use header::{Version, credentials, version};

use crate::models;
use crate::refusal::Refusal;
use flaw::Flaw;
use hyper::HeaderMap;
use serde_json::{Map, Value};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Messages,
    CountTokens,
}

/// What surrounds the body.
pub(crate) struct Request<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    /// Names served beside the known models.
    pub(crate) more_models: &'a [String],
}

type Object = Map<String, Value>;

/// The body as JSON, if the API would take it.
pub(crate) fn body(request: &Request<'_>, body: &[u8]) -> Result<Value, Refusal> {
    header::content_type(request.headers)?;
    let parsed = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("The request body is not valid JSON: {error}")))?;
    whole(request, parsed)
}

/// The same for a body that was read already.
pub(crate) fn whole(request: &Request<'_>, parsed: Value) -> Result<Value, Refusal> {
    let Value::Object(fields) = &parsed else {
        return Err(Refusal::invalid("Input should be a valid dictionary"));
    };
    top::check(request, fields)?;
    messages::check(fields)?;
    tools::check(fields)?;
    let name = fields.get("model").and_then(Value::as_str).unwrap_or_default();
    if models::find(name).is_none() && !request.more_models.iter().any(|more| more == name) {
        return Err(Refusal::not_found(format!("model: {name}")));
    }
    pairing::check(fields)?;
    cache::check(fields)?;
    model::check(request, name, fields)?;
    thinking::check(request, fields)?;
    Ok(parsed)
}
