//! The message item that is open: neighbouring text blocks are one text, as a reader sees them.

use serde_json::value::RawValue;

use super::events::{Events, NOTHING, Out, Place, Value};
use super::item::{Annotation, Item, ItemStatus, Part};
use crate::openai::citation::Cited;
use crate::openai_responses::stored;

/// A message with one text, which grows.
#[derive(Debug)]
pub(super) struct OpenMessage {
    place: Place,
    text: String,
    /// In characters, as annotations count.
    length: usize,
    /// Where the block that is open began, in characters.
    block_start: usize,
    annotations: Vec<Annotation>,
    refusal: Option<String>,
}

impl OpenMessage {
    pub(super) fn open(place: Place, events: &mut Events, out: &mut Out<'_>) -> Self {
        let item =
            Item::Message { id: &place.id, role: "assistant", status: ItemStatus::InProgress, content: &[] };
        let members = [("output_index", Value::Number(place.index)), ("item", Value::Item(&item))];
        events.write(out, "response.output_item.added", &members);
        Self { place, text: String::new(), length: 0, block_start: 0, annotations: Vec::new(), refusal: None }
    }

    pub(super) fn begin_block(&mut self) {
        self.block_start = self.length;
    }

    pub(super) fn grow(&mut self, more: &str, events: &mut Events, out: &mut Out<'_>) {
        if more.is_empty() {
            return;
        }
        if self.text.is_empty() {
            let part = Part::OutputText { text: "", annotations: &[], logprobs: [] };
            let members = [("content_index", Value::Number(0)), ("part", Value::Part(&part))];
            events.inside(out, "response.content_part.added", &self.place, &members);
        }
        self.text.push_str(more);
        self.length += more.chars().count();
        let members =
            [("content_index", Value::Number(0)), ("delta", Value::Text(more)), ("logprobs", NOTHING)];
        events.inside(out, "response.output_text.delta", &self.place, &members);
    }

    /// The open block is complete, and so is the range that its citations are for.
    pub(super) fn end_block(&mut self, cited: Vec<Cited>, events: &mut Events, out: &mut Out<'_>) {
        for Cited { url, title } in cited {
            let (start_index, end_index) = (self.block_start, self.length);
            let annotation = Annotation { r#type: "url_citation", start_index, end_index, url, title };
            let members = [
                ("content_index", Value::Number(0)),
                ("annotation_index", Value::Number(self.annotations.len())),
                ("annotation", Value::Annotation(&annotation)),
            ];
            events.inside(out, "response.output_text.annotation.added", &self.place, &members);
            self.annotations.push(annotation);
        }
    }

    /// A part of its own that says why there is no answer.
    pub(super) fn refuse(&mut self, told: String, events: &mut Events, out: &mut Out<'_>) {
        self.end_text(events, out);
        let at = || ("content_index", Value::Number(usize::from(!self.text.is_empty())));
        let empty = Part::Refusal { refusal: "" };
        events.inside(
            out,
            "response.content_part.added",
            &self.place,
            &[at(), ("part", Value::Part(&empty))],
        );
        let members = [at(), ("delta", Value::Text(&told))];
        events.inside(out, "response.refusal.delta", &self.place, &members);
        let members = [at(), ("refusal", Value::Text(&told))];
        events.inside(out, "response.refusal.done", &self.place, &members);
        let part = Part::Refusal { refusal: &told };
        events.inside(out, "response.content_part.done", &self.place, &[at(), ("part", Value::Part(&part))]);
        self.refusal = Some(told);
    }

    fn end_text(&self, events: &mut Events, out: &mut Out<'_>) {
        if self.text.is_empty() {
            return;
        }
        let at = || ("content_index", Value::Number(0));
        let members = [at(), ("text", Value::Text(&self.text)), ("logprobs", NOTHING)];
        events.inside(out, "response.output_text.done", &self.place, &members);
        let part = self.text_part();
        events.inside(out, "response.content_part.done", &self.place, &[at(), ("part", Value::Part(&part))]);
    }

    fn text_part(&self) -> Part<'_> {
        Part::OutputText { text: &self.text, annotations: &self.annotations, logprobs: [] }
    }

    /// The finished item and its place.
    pub(super) fn close(
        self,
        status: ItemStatus,
        events: &mut Events,
        out: &mut Out<'_>,
    ) -> (usize, Box<RawValue>) {
        if self.refusal.is_none() {
            self.end_text(events, out);
        }
        let mut content = Vec::with_capacity(2);
        if !self.text.is_empty() {
            content.push(self.text_part());
        }
        content.extend(self.refusal.as_deref().map(|refusal| Part::Refusal { refusal }));
        let item =
            stored::raw(&Item::Message { id: &self.place.id, role: "assistant", status, content: &content });
        done(&self.place, item, events, out)
    }
}

/// Says that the item at this place is finished.
pub(super) fn done(
    place: &Place,
    item: Box<RawValue>,
    events: &mut Events,
    out: &mut Out<'_>,
) -> (usize, Box<RawValue>) {
    let members = [("output_index", Value::Number(place.index)), ("item", Value::Raw(&item))];
    events.write(out, "response.output_item.done", &members);
    (place.index, item)
}
