//! Tool names: `mcp__client__NAME` for the program and upstream, `NAME` for the caller.

use std::borrow::Cow;

use bytes::Bytes;
use messages::ApiError;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use wire::json::edit::Edit;

const PREFIX: &str = "mcp__client__";
/// The API's limit on a name, and what it leaves beside the prefix.
const LONGEST: usize = 64 - PREFIX.len();
/// How much of a name's hash stands for what was cut off.
const HASH_CHARS: usize = 16;

/// A name without the prefix, short enough: a longer one ends in its hash, so that the same name is always told the
/// same way, in whatever request it stands.
pub(super) fn short(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST {
        return name.into();
    }
    let hash = Sha256::digest(name.as_bytes());
    let hash: String =
        hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex).take(HASH_CHARS).collect();
    let kept: String = name.chars().take(LONGEST - HASH_CHARS - 1).collect();
    format!("{kept}_{hash}").into()
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// The name as the program and the API know it.
pub(super) fn upstream(name: &str) -> String {
    format!("{PREFIX}{}", short(name))
}

/// The short name behind an upstream one.
pub(super) fn bare(upstream: &str) -> Option<&str> {
    upstream.strip_prefix(PREFIX)
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

/// An assistant message's content with its tools' names as the program knows them; all else keeps its bytes.
pub(crate) fn in_content(content: &str) -> Result<Cow<'_, str>, ApiError> {
    if !content.starts_with('[') || !content.contains("tool_use") {
        return Ok(content.into());
    }
    let invalid = |error: &dyn std::fmt::Display| ApiError::invalid("messages", error.to_string());
    let blocks: Vec<&RawValue> = serde_json::from_str(content).map_err(|error| invalid(&error))?;
    let mut told = Vec::with_capacity(blocks.len());
    for block in blocks {
        let named: Named<'_> = serde_json::from_str(block.get()).map_err(|error| invalid(&error))?;
        told.push(match named.name.filter(|_| named.kind == "tool_use") {
            Some(name) => renamed(block.get(), &upstream(&name)).map_err(|error| invalid(&error))?.into(),
            None => Cow::Borrowed(block.get()),
        });
    }
    Ok(format!("[{}]", told.join(",")).into())
}

/// An object with another `name`.
pub(super) fn renamed(object: &str, name: &str) -> Result<String, wire::json::Malformed> {
    let raw = Bytes::copy_from_slice(object.as_bytes());
    let edited = Edit::new(&raw).set("name", &serde_json::Value::from(name).to_string()).finish()?;
    Ok(String::from_utf8_lossy(&edited).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_and_stays_apart_from_its_like() {
        assert_eq!(upstream("look"), "mcp__client__look");
        let fits = "x".repeat(LONGEST);
        assert_eq!(upstream(&fits), format!("mcp__client__{fits}"));
        let (one, other) = ("x".repeat(100), format!("{}y", "x".repeat(99)));
        assert!(upstream(&one).len() == 64 && upstream(&one) == upstream(&one.clone()));
        assert_ne!(upstream(&one), upstream(&other));
    }

    #[test]
    fn only_the_names_of_calls_change_in_a_message() {
        let content = r#"[{"type":"text","text":"tool_use"},{"id":"t","type":"tool_use", "name":"n","input":{"name":"n","f":1.0}}]"#;
        let expected = r#"[{"type":"text","text":"tool_use"},{"id":"t","type":"tool_use", "name":"mcp__client__n","input":{"name":"n","f":1.0}}]"#;
        assert_eq!(in_content(content).unwrap(), expected);
        assert_eq!(in_content(r#""tool_use""#).unwrap(), r#""tool_use""#);
    }
}
