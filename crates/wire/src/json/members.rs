//! One pass over the top level of an object. Checks the whole text, nested values included, and keeps none of it.

use std::fmt;

use memchr::memchr2;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Malformed;

/// Deeper nesting is refused before anything is parsed, so that no parser after us can be driven out of its stack.
pub(super) const MAX_DEPTH: usize = 512;

/// One member on its way past: which of the names it is, and its value.
pub(super) struct Member<'a> {
    pub(super) name: Option<usize>,
    pub(super) value: &'a RawValue,
}

/// Calls `each` for every member, in order. Names are compared as values, so an escaped spelling is the same name.
pub(super) fn visit<'a>(
    body: &'a [u8],
    names: &[&str],
    each: impl FnMut(Member<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Malformed::at(body, error.valid_up_to(), "the body is not UTF-8"))?;
    check_depth(body)?;
    let mut refused = None;
    let mut parser = serde_json::Deserializer::from_str(text);
    parser
        .deserialize_map(Members { names, each, refused: &mut refused })
        .and_then(|()| parser.end())
        .map_err(|error| Malformed::syntax(body, &error))?;
    refused.map_or(Ok(()), Err)
}

/// Where a borrowed value begins in the text it was borrowed from.
pub(super) fn offset_in(body: &[u8], value: &RawValue) -> usize {
    value.get().as_ptr().addr() - body.as_ptr().addr()
}

pub(super) fn check_depth(body: &[u8]) -> Result<(), Malformed> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => at = string_end(body, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Malformed::at(body, at, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        at += 1;
    }
    Ok(())
}

/// Offset of the quote that ends the string that begins at `start`, or of the end of the body.
pub(super) fn string_end(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = body.get(at..).and_then(next_quote_or_escape) {
        at += found;
        if body[at] == b'"' {
            return at;
        }
        at += 2;
    }
    body.len()
}

/// Program text has an escape every few bytes, where starting a wide search costs more than it saves; an image
/// has none in megabytes, where it saves nearly all.
fn next_quote_or_escape(text: &[u8]) -> Option<usize> {
    const NEAR: usize = 24;
    let (near, far) = text.split_at(text.len().min(NEAR));
    near.iter()
        .position(|byte| matches!(byte, b'"' | b'\\'))
        .or_else(|| memchr2(b'"', b'\\', far).map(|found| near.len() + found))
}

struct Members<'n, E> {
    names: &'n [&'n str],
    each: E,
    refused: &'n mut Option<Malformed>,
}

impl<'de, E: FnMut(Member<'de>) -> Result<(), Malformed>> Visitor<'de> for Members<'_, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name(self.names))? {
            let value = map.next_value::<&'de RawValue>()?;
            if let Err(malformed) = (self.each)(Member { name, value }) {
                *self.refused = Some(malformed);
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
        }
        Ok(())
    }
}

/// Finds a member's name in the list without copying it.
struct Name<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}
