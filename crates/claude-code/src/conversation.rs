//! What a conversation is known by: a chain of hashes over what was said. Two with the same mark hold the same
//! messages, whatever the form they were written in.

use messages::Accumulator;
use messages::RawEvent;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The mark of a conversation up to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark([u8; 32]);

impl Mark {
    /// A conversation of `owner` before its first message: the same words of two owners are two conversations.
    pub(crate) fn begin(owner: &str, model: &str, system: &str, tools: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [owner, model, system, tools] {
            text(&mut hash, part);
        }
        Self(hash.finalize().into())
    }

    /// The conversation with one more message; `content` is JSON: a text, or blocks.
    pub(crate) fn then(self, assistant: bool, content: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update([u8::from(assistant)]);
        match serde_json::from_str(content) {
            Ok(Value::String(said)) => value(&mut hash, &serde_json::json!([{"type": "text", "text": said}])),
            Ok(Value::Array(mut blocks)) => {
                blocks.iter_mut().for_each(plain);
                value(&mut hash, &Value::Array(blocks));
            }
            _ => text(&mut hash, content),
        }
        Self(hash.finalize().into())
    }
}

/// An answer as it streams by.
#[derive(Debug, Default)]
pub(crate) struct Said(Accumulator);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

impl Said {
    pub(crate) fn observe(&mut self, event: &RawEvent) {
        // What can't be folded can't be finished either: then the conversation is not known.
        drop(self.0.push(event));
    }

    /// The conversation with this answer, if it is complete.
    pub(crate) fn after(self, asked: Mark) -> Option<Mark> {
        let answer = self.0.finish().ok()?;
        let answer: Answer<'_> = serde_json::from_slice(&answer).ok()?;
        Some(asked.then(true, answer.content.get()))
    }
}

/// A block without what clients add or leave out when they send it back.
fn plain(block: &mut Value) {
    let Some(members) = block.as_object_mut() else { return };
    let known: &[&str] = match members.get("type").and_then(Value::as_str) {
        Some("tool_use") => &["type", "id", "name", "input"],
        Some("thinking") => &["type", "thinking", "signature"],
        Some("redacted_thinking") => &["type", "data"],
        _ => &[],
    };
    members.retain(|name, value| !value.is_null() && (known.is_empty() || known.contains(&&**name)));
}

/// Every value in one way only: members by name, numbers by value.
fn value(hash: &mut Sha256, given: &Value) {
    match given {
        Value::Null => hash.update(b"n"),
        Value::Bool(given) => hash.update(if *given { b"t" } else { b"f" }),
        Value::Number(given) => {
            hash.update(b"#");
            match given.as_i64() {
                Some(whole) => hash.update(whole.to_be_bytes()),
                None => number(hash, given),
            }
        }
        Value::String(given) => text(hash, given),
        Value::Array(items) => {
            hash.update(b"[");
            hash.update(items.len().to_be_bytes());
            items.iter().for_each(|item| value(hash, item));
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            hash.update(b"{");
            hash.update(members.len().to_be_bytes());
            for (name, member) in members {
                text(hash, name);
                value(hash, member);
            }
        }
    }
}

/// `1.0` and `1` are one number: clients write the one for the other.
fn number(hash: &mut Sha256, given: &serde_json::Number) {
    let float = given.as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "compared after the cast")]
    let whole = float as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "only an exact match counts")]
    if whole as f64 == float && float.abs() < 9e15 {
        hash.update(whole.to_be_bytes());
    } else {
        hash.update(b".");
        text(hash, &given.to_string());
    }
}

fn text(hash: &mut Sha256, given: &str) {
    hash.update(b"\"");
    hash.update(given.len().to_be_bytes());
    hash.update(given);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(content: &str) -> Mark {
        Mark::begin("", "m", "s", "[]").then(true, content)
    }

    #[test]
    fn the_same_message_has_one_mark_however_it_is_written() {
        assert_eq!(mark(r#""hi""#), mark(r#"[{"text":"h\u0069","type":"text","citations":null}]"#));
        let call = r#"[{"type":"tool_use","id":"t","name":"n","input":{"a":1.0,"b":[2]},"caller":{"type":"direct"}}]"#;
        assert_eq!(mark(call), mark(r#"[{"input":{"b":[2],"a":1},"name":"n","id":"t","type":"tool_use"}]"#));
    }

    #[test]
    fn every_difference_in_what_was_said_is_another_mark() {
        let one = mark(r#""hi""#);
        assert_ne!(one, mark(r#""hi ""#));
        assert_ne!(one, Mark::begin("", "m", "s", "[]").then(false, r#""hi""#));
        assert_ne!(one, Mark::begin("", "n", "s", "[]").then(true, r#""hi""#));
        assert_ne!(one, Mark::begin("key_1", "m", "s", "[]").then(true, r#""hi""#));
        assert_ne!(one, Mark::begin("", "m", "s[]", "").then(true, r#""hi""#));
        assert_ne!(mark(r#"[{"type":"x","n":1.5}]"#), mark(r#"[{"type":"x","n":1.25}]"#));
        assert_ne!(mark(r#"[{"type":"x","n":["a","b"]}]"#), mark(r#"[{"type":"x","n":["ab"]}]"#));
        assert_ne!(
            mark(r#"[{"type":"thinking","thinking":"t","signature":"1"}]"#),
            mark(r#"[{"type":"thinking","thinking":"t","signature":"2"}]"#)
        );
    }

    #[test]
    fn an_answer_that_broke_off_has_no_mark() {
        let mut said = Said::default();
        let start = r#"{"type":"message_start","message":{"id":"m","content":[],"usage":{}}}"#;
        said.observe(&RawEvent::from_json(start.into()).unwrap());
        assert_eq!(said.after(Mark::begin("", "m", "", "")), None);
    }
}
