//! The events of one response as SSE, counted without a gap.
//! <https://platform.openai.com/docs/api-reference/responses-streaming>

use bytes::BytesMut;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::item::{Annotation, Item, Part};

/// Writes events; a whole answer goes through the same states and writes none.
#[derive(Debug, Default)]
pub(super) struct Events {
    next: u64,
    /// Events are written here first, so that framing stays the business of `wire`.
    scratch: Vec<u8>,
    #[cfg(debug_assertions)]
    checker: crate::openai_responses::grammar::Checker,
}

/// Where events go, if anywhere.
pub(super) type Out<'o> = Option<&'o mut BytesMut>;

/// What a member of an event holds.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Value<'v> {
    Text(&'v str),
    OptionalText(Option<&'v str>),
    Number(usize),
    Item(&'v Item<'v>),
    Part(&'v Part<'v>),
    Annotation(&'v Annotation),
    Raw(&'v RawValue),
    /// No log probabilities.
    Nothing([u8; 0]),
}

pub(super) const NOTHING: Value<'static> = Value::Nothing([]);

/// An item's place in the output and its id.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) id: String,
}

type Members<'v> = [(&'static str, Value<'v>)];

struct Event<'v> {
    kind: &'static str,
    number: u64,
    place: Option<&'v Place>,
    members: &'v Members<'v>,
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry("sequence_number", &self.number)?;
        if let Some(Place { index, id }) = self.place {
            map.serialize_entry("item_id", id)?;
            map.serialize_entry("output_index", index)?;
        }
        for (name, value) in self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Events {
    /// An event about the response or a whole item.
    pub(super) fn write(&mut self, out: &mut Out<'_>, kind: &'static str, members: &Members<'_>) {
        self.event(out, kind, None, members);
    }

    /// An event about what happens inside of an item.
    pub(super) fn inside(
        &mut self,
        out: &mut Out<'_>,
        kind: &'static str,
        place: &Place,
        members: &Members<'_>,
    ) {
        self.event(out, kind, Some(place), members);
    }

    /// How many were written.
    pub(super) const fn count(&self) -> u64 {
        self.next
    }

    fn event(&mut self, out: &mut Out<'_>, kind: &'static str, place: Option<&Place>, members: &Members<'_>) {
        let Some(out) = out.as_deref_mut() else { return };
        let event = Event { kind, number: self.next, place, members };
        self.scratch.clear();
        // Strings, numbers and JSON always serialise.
        if serde_json::to_writer(&mut self.scratch, &event).is_ok() {
            self.next += 1;
            self.check(kind);
            wire::sse::write_event(out, kind, &self.scratch);
        }
    }

    /// Holds what is written against the grammar.
    #[cfg(debug_assertions)]
    fn check(&mut self, kind: &str) {
        let rule = self.checker.push(kind, &self.scratch);
        debug_assert!(rule.is_ok(), "{rule:?}");
    }

    #[cfg(not(debug_assertions))]
    const fn check(&self, _kind: &str) {}
}
