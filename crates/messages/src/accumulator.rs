//! Folds a stream of events into the JSON answer of the same turn. Unknown blocks, deltas and fields are kept.

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json::Members;
use crate::{ErrorBody, EventError, RawEvent};

/// The answer as far as the events pushed so far tell it.
#[derive(Debug, Default)]
pub struct Accumulator {
    head: Option<Object>,
    blocks: Vec<Growing>,
    stopped: bool,
}

/// An object's members in order, values as they came.
#[derive(Debug, Default)]
struct Object(Vec<(String, Box<RawValue>)>);

/// A block's first state and what its deltas added.
#[derive(Debug, Default)]
struct Growing {
    object: Object,
    input_json: String,
    citations: Vec<Box<RawValue>>,
    /// String members that deltas append to, unescaped: `text`, `thinking`, `signature`, …
    strings: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    message: Option<Members<'a>>,
    #[serde(borrow)]
    content_block: Option<Members<'a>>,
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<Members<'a>>,
    #[serde(borrow)]
    usage: Option<Members<'a>>,
}

impl Accumulator {
    /// Folds in one more event.
    pub fn push(&mut self, event: &RawEvent) -> Result<(), EventError> {
        match &*event.name {
            "message_start" | "content_block_start" | "content_block_delta" | "message_delta" => {
                let wire = serde_json::from_slice(&event.data)?;
                self.fold(&event.name, wire)
            }
            "message_stop" => {
                self.stopped = true;
                Ok(())
            }
            "error" => {
                let kind = ErrorBody::parse(&event.data).map_or(Cow::Borrowed("api_error"), |body| body.kind);
                Err(EventError::Upstream(kind.into_owned()))
            }
            _ => Ok(()),
        }
    }

    fn fold(&mut self, name: &str, wire: Wire<'_>) -> Result<(), EventError> {
        match (name, wire) {
            ("message_start", Wire { message: Some(message), .. }) => {
                self.head = Some(Object::from(message));
                Ok(())
            }
            ("content_block_start", Wire { content_block: Some(block), .. }) => {
                self.blocks.push(Growing { object: Object::from(block), ..Growing::default() });
                Ok(())
            }
            ("content_block_delta", Wire { index: Some(index), delta: Some(delta), .. }) => {
                let index: usize = index.get().parse().map_err(|_| missing("index"))?;
                let block = self.blocks.get_mut(index);
                block.ok_or(EventError::OutOfOrder("a delta without its block"))?.grow(delta)
            }
            ("message_delta", Wire { delta, usage, .. }) => {
                let head = self.head.as_mut().ok_or(EventError::OutOfOrder("no message_start"))?;
                head.end(delta, usage)
            }
            _ => Err(missing("message, content_block or delta")),
        }
    }

    /// The answer. An error unless `message_stop` was seen: a truncated answer must never look complete.
    pub fn finish(self) -> Result<Bytes, EventError> {
        let Some(mut head) = self.head.filter(|_| self.stopped) else { return Err(EventError::Incomplete) };
        let blocks: Result<Vec<Object>, _> = self.blocks.into_iter().map(Growing::finish).collect();
        head.set("content", &blocks?)?;
        serde_json::to_vec(&head).map(Bytes::from).map_err(EventError::from)
    }
}

impl Growing {
    fn grow(&mut self, delta: Members<'_>) -> Result<(), EventError> {
        for (name, value) in delta.0 {
            match &*name {
                "type" => {}
                "partial_json" => self.input_json.push_str(&string(value)?),
                "citation" => self.citations.push(value.to_owned()),
                // Text, thinking, signature, and the same way whatever string a new kind of delta brings.
                _ if value.get().starts_with('"') => self.append(&name, value)?,
                _ => self.object.set_raw(&name, value.to_owned()),
            }
        }
        Ok(())
    }

    fn append(&mut self, name: &str, value: &RawValue) -> Result<(), EventError> {
        let more = string(value)?;
        if let Some((_, text)) = self.strings.iter_mut().find(|(known, _)| known == name) {
            text.push_str(&more);
            return Ok(());
        }
        let begun = self.object.get(name).filter(|raw| raw.get().starts_with('"'));
        let begun = begun.map(|raw| string(raw)).transpose()?.unwrap_or_default();
        self.strings.push((name.to_owned(), format!("{begun}{more}")));
        Ok(())
    }

    fn finish(mut self) -> Result<Object, EventError> {
        if !self.input_json.is_empty() {
            let input = RawValue::from_string(self.input_json)?;
            self.object.set_raw("input", input);
        }
        if !self.citations.is_empty() {
            self.object.set("citations", &self.citations)?;
        }
        for (name, text) in &self.strings {
            self.object.set(name, text)?;
        }
        Ok(self.object)
    }
}

impl Object {
    fn get(&mut self, name: &str) -> Option<&mut Box<RawValue>> {
        self.0.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// What `message_delta` says replaces what `message_start` said; counts are replaced one by one.
    fn end(&mut self, delta: Option<Members<'_>>, usage: Option<Members<'_>>) -> Result<(), EventError> {
        for (name, value) in delta.map(|delta| delta.0).unwrap_or_default() {
            self.set_raw(&name, value.to_owned());
        }
        let Some(usage) = usage else { return Ok(()) };
        let begun = self.get("usage").and_then(|raw| serde_json::from_str::<Members<'_>>(raw.get()).ok());
        let mut total = begun.map(Object::from).unwrap_or_default();
        for (name, value) in usage.0.into_iter().filter(|(_, value)| value.get() != "null") {
            total.set_raw(&name, value.to_owned());
        }
        self.set("usage", &total)
    }

    fn set_raw(&mut self, name: &str, value: Box<RawValue>) {
        match self.get(name) {
            Some(old) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), EventError> {
        let raw = serde_json::value::to_raw_value(value)?;
        self.set_raw(name, raw);
        Ok(())
    }
}

impl From<Members<'_>> for Object {
    fn from(members: Members<'_>) -> Self {
        Self(members.0.into_iter().map(|(name, value)| (name.into_owned(), value.to_owned())).collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn string(value: &RawValue) -> Result<Cow<'_, str>, EventError> {
    let text: crate::json::Text<'_> = serde_json::from_str(value.get())?;
    Ok(text.0)
}

fn missing(what: &str) -> EventError {
    EventError::Malformed(format!("{what} is missing"))
}
