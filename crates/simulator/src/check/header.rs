//! What the headers must say: who calls, in which version, with what kind of body.

use crate::refusal::Refusal;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

/// The versions of the API in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `2023-06-01`
    First,
    /// `2026-10-21`, which has no sampling parameters.
    WithoutSampling,
}

pub(crate) fn version(headers: &HeaderMap) -> Result<Version, Refusal> {
    let Some(version) = headers.get("anthropic-version") else {
        return Err(Refusal::at("anthropic-version", "header is required"));
    };
    match version.to_str() {
        Ok("2023-06-01") => Ok(Version::First),
        Ok("2026-10-21") => Ok(Version::WithoutSampling),
        other => {
            let given = other.unwrap_or_default();
            Err(Refusal::at("anthropic-version", format!("\"{given}\" is not a valid version")))
        }
    }
}

/// A key by `x-api-key` or `Authorization: Bearer`: any, or the one expected.
pub(crate) fn credentials(headers: &HeaderMap, expected: Option<&str>) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let (key, wrong) = match (text("x-api-key"), bearer) {
        (Some(key), _) => (key, "invalid x-api-key"),
        (None, Some(token)) => (token, "Invalid bearer token"),
        (None, None) => return Err(Refusal::unauthenticated("x-api-key header is required")),
    };
    if key.is_empty() || expected.is_some_and(|expected| expected != key) {
        return Err(Refusal::unauthenticated(wrong));
    }
    Ok(())
}

pub(super) fn content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::at("content-type", "Input should be 'application/json'"))
}

/// Whether `anthropic-beta` names a feature that starts like this.
pub(super) fn has_beta(headers: &HeaderMap, start: &str) -> bool {
    let lists = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|beta| beta.trim().starts_with(start))
}
