//! A call of one of the caller's tools as the item that its kind of tool has.

use messages::json::{self, Path};
use serde_json::value::RawValue;

use super::events::{Events, Out, Place, Value};
use super::item::{Item, ItemStatus, ShellAction};
use super::message::done;
use crate::openai::input_text::InputText;
use crate::openai_responses::echo::ToolKind;
use crate::openai_responses::stored;

/// A call that grows.
#[derive(Debug)]
pub(super) struct OpenCall {
    place: Place,
    call_id: String,
    kind: ToolKind,
    /// Arguments, or the text of a custom tool.
    told: String,
    /// The text of a custom tool as it comes.
    custom: InputText,
    /// What the block's start said, until deltas tell it better.
    started: Option<String>,
}

/// What ids of a call's item begin with.
pub(super) const fn prefix(kind: &ToolKind) -> &'static str {
    match kind {
        ToolKind::Function { .. } => "fc",
        ToolKind::Custom { .. } => "ctc",
        ToolKind::LocalShell => "lsh",
    }
}

impl OpenCall {
    pub(super) fn open(
        place: Place,
        call_id: &str,
        kind: ToolKind,
        started: String,
        events: &mut Events,
        out: &mut Out<'_>,
    ) -> Self {
        let call = Self {
            place,
            call_id: call_id.to_owned(),
            kind,
            told: String::new(),
            custom: InputText::default(),
            started: Some(started),
        };
        let item = call.item(ItemStatus::InProgress);
        let members = [("output_index", Value::Number(call.place.index)), ("item", Value::Item(&item))];
        events.write(out, "response.output_item.added", &members);
        call
    }

    pub(super) fn grow(&mut self, json: &str, events: &mut Events, out: &mut Out<'_>) {
        if json.is_empty() {
            return;
        }
        self.started = None;
        match self.kind {
            ToolKind::Function { .. } => {
                self.tell(json, "response.function_call_arguments.delta", events, out);
            }
            ToolKind::Custom { .. } => {
                let text = self.custom.push(json);
                self.tell(&text, "response.custom_tool_call_input.delta", events, out);
            }
            ToolKind::LocalShell => self.told.push_str(json),
        }
    }

    fn tell(&mut self, more: &str, kind: &'static str, events: &mut Events, out: &mut Out<'_>) {
        if !more.is_empty() {
            self.told.push_str(more);
            events.inside(out, kind, &self.place, &[("delta", Value::Text(more))]);
        }
    }

    /// Nothing more will come.
    pub(super) fn end_block(&mut self, events: &mut Events, out: &mut Out<'_>) {
        if let Some(started) = self.started.take() {
            self.grow(&started, events, out);
        }
        if matches!(self.kind, ToolKind::Custom { .. }) {
            let rest = std::mem::take(&mut self.custom).finish();
            self.tell(&rest, "response.custom_tool_call_input.delta", events, out);
        }
    }

    /// The finished item and its place.
    pub(super) fn close(
        self,
        status: ItemStatus,
        events: &mut Events,
        out: &mut Out<'_>,
    ) -> (usize, Box<RawValue>) {
        let told = match &self.kind {
            ToolKind::Function { .. } => Some(("response.function_call_arguments.done", "arguments")),
            ToolKind::Custom { .. } => Some(("response.custom_tool_call_input.done", "input")),
            ToolKind::LocalShell => None,
        };
        if let Some((kind, member)) = told {
            let mut members = vec![(member, Value::Text(&self.told))];
            if let ToolKind::Function { name, .. } = &self.kind {
                members.push(("name", Value::Text(name)));
            }
            events.inside(out, kind, &self.place, &members);
        }
        let item = stored::raw(&self.item(status));
        done(&self.place, item, events, out)
    }

    fn item(&self, status: ItemStatus) -> Item<'_> {
        let (id, call_id, told) = (&*self.place.id, &*self.call_id, &*self.told);
        match &self.kind {
            ToolKind::Function { namespace, name } => Item::FunctionCall {
                id,
                call_id,
                namespace: namespace.as_deref(),
                name,
                arguments: told,
                status,
            },
            ToolKind::Custom { namespace, name } => {
                Item::CustomToolCall { id, call_id, namespace: namespace.as_deref(), name, input: told }
            }
            ToolKind::LocalShell => {
                // What the model did not write as agreed runs nothing.
                let action = json::read::<ShellAction<'_>>(told, &Path::Root).unwrap_or_default();
                Item::LocalShellCall { id, call_id, action, status }
            }
        }
    }
}
