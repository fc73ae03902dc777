//! Changes top-level members of a body and leaves every other byte as it was received: long integers, the form of
//! floats, key order and white space included.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;

use super::Malformed;
use super::members::{self, Member};

/// A list of changes to one body, applied by [`finish`](Self::finish). A later change of a member replaces an
/// earlier one.
#[derive(Clone, Debug)]
#[must_use = "an edit does nothing until it is finished"]
pub struct Edit<'a> {
    body: &'a Bytes,
    keys: Vec<&'a str>,
    /// For each key its new value, or `None` to remove the member.
    values: Vec<Option<String>>,
}

impl<'a> Edit<'a> {
    /// Starts with no change.
    pub fn new(body: &'a Bytes) -> Self {
        Self { body, keys: Vec::new(), values: Vec::new() }
    }

    /// Gives a member a new value, a JSON text. A member that is not there is added after the last one.
    pub fn set(self, key: &'a str, raw_json: &str) -> Self {
        self.change(key, Some(raw_json.to_owned()))
    }

    /// Removes a member and its comma; nothing happens when there is none.
    pub fn remove(self, key: &'a str) -> Self {
        self.change(key, None)
    }

    fn change(mut self, key: &'a str, value: Option<String>) -> Self {
        if let Some(known) = self.keys.iter().position(|known| *known == key) {
            self.values[known] = value;
        } else {
            self.keys.push(key);
            self.values.push(value);
        }
        self
    }

    /// Applies the changes. Without any, or when none of them meets a member, the result is the same buffer.
    ///
    /// # Errors
    /// [`Malformed`] when the body is not an object, has one of the members twice, or a new value is not JSON.
    pub fn finish(self) -> Result<Bytes, Malformed> {
        if self.keys.is_empty() {
            return Ok(self.body.clone());
        }
        self.check_values()?;
        let mut plan = Plan::new(&self);
        members::visit(self.body, &self.keys, |member| plan.member(&member))?;
        let splices = plan.finish();
        Ok(if splices.is_empty() { self.body.clone() } else { apply(self.body, &splices) })
    }

    fn check_values(&self) -> Result<(), Malformed> {
        for (key, value) in self.keys.iter().zip(&self.values) {
            let Some(value) = value else { continue };
            if serde_json::from_str::<IgnoredAny>(value).is_err() {
                return Err(Malformed::at(
                    value.as_bytes(),
                    0,
                    format!("the new value of `{key}` is not JSON"),
                ));
            }
        }
        Ok(())
    }
}

/// Bytes that give way to others.
struct Splice {
    range: Range<usize>,
    text: String,
}

/// Follows the members in order and notes what to replace. Holds one splice for each change at most.
struct Plan<'e> {
    edit: &'e Edit<'e>,
    splices: Vec<Splice>,
    met: Vec<bool>,
    /// Where the text of the last member ends; at first, after the opening brace.
    end: usize,
    /// Whether a member stays before this point, so that a comma is wanted.
    any_kept: bool,
    /// Start of the members removed from the front: their commas go up to the first one that stays.
    removed_from: Option<usize>,
}

impl<'e> Plan<'e> {
    fn new(edit: &'e Edit<'e>) -> Self {
        let opening = memchr::memchr(b'{', edit.body).map_or(0, |brace| brace + 1);
        let met = vec![false; edit.keys.len()];
        Self { edit, splices: Vec::new(), met, end: opening, any_kept: false, removed_from: None }
    }

    fn member(&mut self, member: &Member<'_>) -> Result<(), Malformed> {
        let body: &[u8] = self.edit.body;
        let value_start = members::offset_in(body, member.value);
        let value = value_start..value_start + member.value.get().len();
        let change = match member.name {
            Some(key) if std::mem::replace(&mut self.met[key], true) => {
                let reason = format!("`{}` is given twice", self.edit.keys[key]);
                return Err(Malformed::at(body, value_start, reason));
            }
            Some(key) => Some(self.edit.values[key].as_deref()),
            None => None,
        };
        match change {
            Some(None) => self.remove(value.end),
            Some(Some(new)) => {
                self.keep();
                self.splices.push(Splice { range: value.clone(), text: new.to_owned() });
            }
            None => self.keep(),
        }
        self.end = value.end;
        Ok(())
    }

    fn keep(&mut self) {
        if let Some(from) = self.removed_from.take() {
            self.splices.push(Splice { range: from..self.key_start(), text: String::new() });
        }
        self.any_kept = true;
    }

    fn remove(&mut self, value_end: usize) {
        if self.any_kept {
            self.splices.push(Splice { range: self.end..value_end, text: String::new() });
        } else if self.removed_from.is_none() {
            self.removed_from = Some(self.key_start());
        }
    }

    /// Between the last member and this key stand only white space and a comma.
    fn key_start(&self) -> usize {
        let after = &self.edit.body[self.end..];
        self.end + memchr::memchr(b'"', after).unwrap_or_default()
    }

    fn finish(mut self) -> Vec<Splice> {
        if let Some(from) = self.removed_from.take() {
            self.splices.push(Splice { range: from..self.end, text: String::new() });
        }
        for (key, value) in self.missing() {
            let comma = if std::mem::replace(&mut self.any_kept, true) { "," } else { "" };
            let text = format!("{comma}{}:{value}", serde_json::Value::from(key));
            self.splices.push(Splice { range: self.end..self.end, text });
        }
        self.splices
    }

    /// The new values whose members the body does not have.
    fn missing(&self) -> Vec<(&'e str, &'e str)> {
        let changes = self.edit.keys.iter().zip(&self.edit.values).zip(&self.met);
        changes
            .filter(|(_, met)| !**met)
            .filter_map(|((key, value), _)| Some((*key, value.as_deref()?)))
            .collect()
    }
}

fn apply(body: &[u8], splices: &[Splice]) -> Bytes {
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + added);
    let mut copied = 0;
    for splice in splices {
        out.extend_from_slice(&body[copied..splice.range.start]);
        out.extend_from_slice(splice.text.as_bytes());
        copied = splice.range.end;
    }
    out.extend_from_slice(&body[copied..]);
    out.freeze()
}
