//! Reading JSON so that every complaint names its path, and none repeats the caller's content.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::ApiError;

/// Nesting beyond this is refused, here and by every JSON library that may read the request later.
pub const MAX_DEPTH: usize = 120;

/// A string that borrows from the input where it has no escapes, also inside `Option` and `Vec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Where in a document: a list of steps on the stack, written as `messages[2].content[0]`.
#[derive(Clone, Copy, Debug)]
pub enum Path<'p> {
    /// The document itself.
    Root,
    /// A member of an object.
    Key(&'p Path<'p>, &'p str),
    /// An item of an array.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    /// The member `key` of what is here.
    #[must_use]
    pub const fn key(&'p self, key: &'p str) -> Path<'p> {
        Path::Key(self, key)
    }

    /// The item `index` of what is here.
    #[must_use]
    pub const fn index(&'p self, index: usize) -> Path<'p> {
        Path::Index(self, index)
    }

    /// A 400 about what is here.
    pub fn invalid(&self, message: impl Into<String>) -> ApiError {
        ApiError::invalid(self.to_string(), message)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The body as text, if it is UTF-8 and not nested too deeply.
pub fn text(body: &[u8]) -> Result<&str, ApiError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::invalid("", format!("the body is not valid UTF-8: {error}")))?;
    if exceeds_depth(body, MAX_DEPTH) {
        return Err(ApiError::invalid("", format!("the body is nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(text)
}

/// Reads a `T` from JSON that stands at `at` in the request.
pub fn read<'a, T: Deserialize<'a>>(json: &'a str, at: &Path<'_>) -> Result<T, ApiError> {
    // The untracked reading is the fast way; only a failure pays for finding the path.
    serde_json::from_str(json).or_else(|_| tracked(json, at))
}

fn tracked<'a, T: Deserialize<'a>>(json: &'a str, at: &Path<'_>) -> Result<T, ApiError> {
    let mut tree = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut tree)
        .map_err(|error| complaint(at, error.path(), error.inner()))?;
    tree.end().map_err(|error| at.invalid(format!("not valid JSON: {error}")))?;
    Ok(value)
}

fn complaint(at: &Path<'_>, below: &serde_path_to_error::Path, error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return at.invalid(format!("the body is not valid JSON: {error}"));
    }
    let mut path = at.to_string();
    for segment in below {
        match segment {
            Segment::Seq { index } => path.push_str(&format!("[{index}]")),
            Segment::Map { key } if path.is_empty() => path.push_str(key),
            Segment::Map { key } => path.push_str(&format!(".{key}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let told = error.to_string();
    if let Some(field) = quoted(&told, "missing field `") {
        let path = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        return ApiError::invalid(path, "field required");
    }
    if let Some(field) = quoted(&told, "duplicate field `") {
        let path = if path.ends_with(field) { path } else { format!("{path}.{field}") };
        return ApiError::invalid(path.trim_start_matches('.'), "given twice");
    }
    ApiError::invalid(path, expectation(&told))
}

fn quoted<'t>(told: &'t str, prefix: &str) -> Option<&'t str> {
    told.strip_prefix(prefix)?.split('`').next()
}

/// Says what was expected and leaves out what was found: that may be a prompt.
fn expectation(told: &str) -> String {
    let expected = told.rsplit_once("expected ").map_or("something else", |(_, expected)| expected);
    let expected = expected.split(" at line ").next().unwrap_or(expected);
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a non-negative integer",
        "i32" | "i64" => "an integer",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" | "any valid JSON value" => "an object",
        other => other,
    };
    format!("must be {expected}")
}

/// The members of a JSON object, in order, values untouched.
#[derive(Debug)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Takes the member `key` out; `null` counts as absent.
    pub fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        let (_, value) = self.0.remove(at);
        (value.get() != "null").then_some(value)
    }

    /// Takes the member `key` out and reads it; `at` is where this object stands.
    pub fn optional<T: Deserialize<'a>>(&mut self, key: &str, at: &Path<'_>) -> Result<Option<T>, ApiError> {
        self.take(key).map(|raw| read(raw.get(), &at.key(key))).transpose()
    }

    /// Like [`Self::optional`], but its absence is a 400.
    pub fn required<T: Deserialize<'a>>(&mut self, key: &str, at: &Path<'_>) -> Result<T, ApiError> {
        self.optional(key, at)?.ok_or_else(|| at.key(key).invalid("field required"))
    }

    /// The first of these keys that stands there twice.
    #[must_use]
    pub fn duplicate<'k>(&self, keys: &[&'k str]) -> Option<&'k str> {
        keys.iter().copied().find(|key| self.0.iter().filter(|(name, _)| name == key).count() > 1)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'a>, &'a RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each(PhantomData))
    }
}

/// Whether brackets nest deeper than `limit`. Linear, without recursion; strings are skipped by their quotes.
fn exceeds_depth(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = after_string(json, at),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

fn after_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        let escape = json.get(at + found) == Some(&b'\\');
        at += found + 1 + usize::from(escape);
        if !escape {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(expecting = "an object")]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is of interest")]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(expecting = "an object")]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is of interest")]
        count: u32,
    }

    fn told(json: &str) -> String {
        read::<Outer>(json, &Path::Root.key("body")).unwrap_err().message
    }

    #[test]
    fn a_complaint_names_the_path_and_the_expectation_but_not_the_content() {
        assert_eq!(
            told(r#"{"list":[{"count":1},{"count":"my secret"}]}"#),
            "body.list[1].count: must be a non-negative integer"
        );
        assert_eq!(told(r#"{"list":[{}]}"#), "body.list[0].count: field required");
        assert_eq!(told(r#"{"list":[7]}"#), "body.list[0]: must be an object");
        assert_eq!(told(r#"{"list":[{"count":1,"count":2}]}"#), "body.list[0].count: given twice");
        assert_eq!(told(r#"{"list":"expected u32 at line "}"#), "body.list: must be an array");
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(text(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(text(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(text(nested(1_000_000).as_bytes()).is_err());
        assert!(text(format!(r#"["{}\"{}"]"#, "[".repeat(500), "{".repeat(500)).as_bytes()).is_ok());
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let list: Vec<Option<Text<'_>>> = serde_json::from_str(r#"["plain",null,"es\ncaped"]"#).unwrap();
        assert!(matches!(&list[0], Some(Text(Cow::Borrowed("plain")))));
        assert!(matches!(&list[2], Some(Text(Cow::Owned(_)))));
    }
}
