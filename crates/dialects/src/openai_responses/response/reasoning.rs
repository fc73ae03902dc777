//! A thinking block as a reasoning item.

use serde_json::value::RawValue;

use super::events::{Events, Out, Place, Value};
use super::item::{Item, Part};
use super::message::done;
use crate::openai_responses::sealed::Sealed;
use crate::openai_responses::stored;

/// A reasoning item that grows.
#[derive(Debug)]
pub(super) struct OpenReasoning {
    place: Place,
    thinking: String,
    signature: String,
    /// Of a block that is not shown.
    data: Option<String>,
    /// Whether the caller wants to read it.
    summary: bool,
}

impl OpenReasoning {
    pub(super) fn open(place: Place, summary: bool, events: &mut Events, out: &mut Out<'_>) -> Self {
        let item = Item::Reasoning { id: &place.id, summary: &[], encrypted_content: None };
        let members = [("output_index", Value::Number(place.index)), ("item", Value::Item(&item))];
        events.write(out, "response.output_item.added", &members);
        Self { place, thinking: String::new(), signature: String::new(), data: None, summary }
    }

    pub(super) fn think(&mut self, more: &str, events: &mut Events, out: &mut Out<'_>) {
        if more.is_empty() {
            return;
        }
        let first = self.thinking.is_empty();
        self.thinking.push_str(more);
        if !self.summary {
            return;
        }
        let at = || ("summary_index", Value::Number(0));
        if first {
            let part = Part::SummaryText { text: "" };
            let members = [at(), ("part", Value::Part(&part))];
            events.inside(out, "response.reasoning_summary_part.added", &self.place, &members);
        }
        let members = [at(), ("delta", Value::Text(more))];
        events.inside(out, "response.reasoning_summary_text.delta", &self.place, &members);
    }

    pub(super) fn sign(&mut self, more: &str) {
        self.signature.push_str(more);
    }

    pub(super) fn hide(&mut self, data: &str) {
        self.data = Some(data.to_owned());
    }

    /// The finished item and its place.
    pub(super) fn close(self, events: &mut Events, out: &mut Out<'_>) -> (usize, Box<RawValue>) {
        let part = [Part::SummaryText { text: &self.thinking }];
        let told = self.summary && !self.thinking.is_empty();
        if told {
            let at = || ("summary_index", Value::Number(0));
            let members = [at(), ("text", Value::Text(&self.thinking))];
            events.inside(out, "response.reasoning_summary_text.done", &self.place, &members);
            let [part] = &part;
            let members = [at(), ("part", Value::Part(part))];
            events.inside(out, "response.reasoning_summary_part.done", &self.place, &members);
        }
        let item = stored::raw(&Item::Reasoning {
            id: &self.place.id,
            summary: if told { &part } else { &[] },
            encrypted_content: self.sealed().map(|sealed| sealed.seal()),
        });
        done(&self.place, item, events, out)
    }

    /// What the API wants to see again; of thinking without a signature it wants nothing.
    fn sealed(&self) -> Option<Sealed<'_>> {
        if let Some(data) = &self.data {
            return Some(Sealed { thinking: None, signature: None, data: Some(data.into()) });
        }
        let signature = Some(&self.signature).filter(|signature| !signature.is_empty())?;
        Some(Sealed {
            thinking: Some((&self.thinking).into()),
            signature: Some(signature.into()),
            data: None,
        })
    }
}
