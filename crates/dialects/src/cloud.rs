//! What a request to a cloud has in its body where the Messages API has it in headers.

use bytes::Bytes;
use messages::ApiError;
use serde_json::value::RawValue;
use wire::json::{Malformed, edit::Edit, peek};

/// A request in Messages form, and the headers that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// The Messages request.
    pub body: Bytes,
    /// For `anthropic-version`.
    pub version: String,
    /// For `anthropic-beta`, beside what the header names.
    pub betas: Vec<String>,
}

/// The version that a cloud's own first version stands for.
const FIRST: &str = "2023-06-01";

/// Reads what stands in the body for headers. `own` is the cloud's own name for the first version.
pub(crate) fn headers_of(body: &Bytes, own: &str) -> Result<(String, Vec<String>), ApiError> {
    let [version, betas] =
        peek::members(body, ["anthropic_version", "anthropic_beta"]).map_err(|error| malformed(&error))?;
    let version = match version.map(|raw| serde_json::from_str::<String>(raw.get())) {
        None => return Err(ApiError::invalid("anthropic_version", format!("field required: \"{own}\""))),
        Some(Ok(version)) if version == own => FIRST.to_owned(),
        Some(Ok(version)) if is_date(&version) => version,
        Some(_) => {
            return Err(ApiError::invalid("anthropic_version", format!("must be \"{own}\" or a date")));
        }
    };
    let not_a_list = || ApiError::invalid("anthropic_beta", "must be a list of names");
    let betas = betas.map(|raw: &RawValue| serde_json::from_str::<Vec<String>>(raw.get())).transpose();
    let betas = betas.map_err(|_| not_a_list())?.unwrap_or_default();
    if !betas.iter().all(|beta| is_name(beta)) {
        return Err(not_a_list());
    }
    Ok((version, betas))
}

/// What can stand in a list in a header.
fn is_name(beta: &str) -> bool {
    !beta.is_empty() && beta.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// Versions of the Messages API are dates: `2026-10-21`.
fn is_date(version: &str) -> bool {
    let bytes = version.as_bytes();
    bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
}

/// The body without what became headers, with what stood in the path.
pub(crate) fn unwrapped(body: &Bytes, own: &str, added: &[(&str, &str)]) -> Result<Unwrapped, ApiError> {
    let (version, betas) = headers_of(body, own)?;
    let edit = Edit::new(body).remove("anthropic_version").remove("anthropic_beta");
    let edit = added.iter().fold(edit, |edit, (name, value)| edit.set(name, value));
    let body = edit.finish().map_err(|error| malformed(&error))?;
    Ok(Unwrapped { body, version, betas })
}

/// What the path says is not said again: the two might differ.
pub(crate) fn refuse_in_body(body: &Bytes, name: &'static str) -> Result<(), ApiError> {
    let [value] = peek::members(body, [name]).map_err(|error| malformed(&error))?;
    match value {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(name, "is named by the path here, not in the body")),
    }
}

pub(crate) fn malformed(error: &Malformed) -> ApiError {
    ApiError::invalid("", format!("The request body is not valid JSON: {error}."))
}
