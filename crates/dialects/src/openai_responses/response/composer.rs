//! The output of one response, block by block: which item a block belongs to, and when an item is done.

use messages::{Block, Delta, Event, StopReason, Usage};
use serde_json::value::RawValue;

use super::events::{Events, Out, Place};
use super::item::ItemStatus;
use super::message::OpenMessage;
use super::object::{Object, ResponseUsage, Status, ending};
use super::reasoning::OpenReasoning;
use super::served::{ServedBlock, ServedCall};
use super::tool_call::{self, OpenCall};
use crate::openai::REFUSED;
use crate::openai::citation::Cited;
use crate::openai::compact::compact;
use crate::openai_responses::echo::{Echo, ToolKind};

/// Follows one answer; whole answers go through the same steps as streamed ones.
#[derive(Debug)]
pub(super) struct Composer {
    pub(super) echo: Echo,
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) events: Events,
    /// Finished items; the place of one that is open is empty.
    output: Vec<Option<Box<RawValue>>>,
    usage: Usage,
    stop_reason: Option<StopReason>,
    refusal: Option<String>,
    /// What deltas go to.
    open: Open,
    /// Stays open over neighbouring text blocks.
    message: Option<OpenMessage>,
    cited: Vec<Cited>,
    /// A call whose block has ended; whether it is whole is known with what comes next.
    said: Option<OpenCall>,
    served: Vec<ServedCall>,
    /// Prose that would spoil an answer given as a tool's input; told when that does not come.
    held: String,
    /// Whether the tool whose input is the answer was called.
    answered: bool,
}

#[derive(Debug)]
enum Open {
    Nothing,
    Text,
    Reasoning(OpenReasoning),
    Call(OpenCall),
    Served(ServedCall),
    /// The tool whose input is the answer; what its start said, until deltas tell it better.
    Answer(Option<String>),
    /// A block that becomes no item.
    Other,
}

impl Composer {
    pub(super) fn new(echo: Echo, response_id: &str, created: u64) -> Self {
        Self {
            echo,
            id: response_id.to_owned(),
            created,
            events: Events::default(),
            output: Vec::new(),
            usage: Usage::default(),
            stop_reason: None,
            refusal: None,
            open: Open::Nothing,
            message: None,
            cited: Vec::new(),
            said: None,
            served: Vec::new(),
            held: String::new(),
            answered: false,
        }
    }

    pub(super) const fn is_inside_a_block(&self) -> bool {
        !matches!(self.open, Open::Nothing)
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.stop_reason.is_some()
    }

    pub(super) fn count(&mut self, usage: &Usage) {
        self.usage.merge(usage);
    }

    /// What a `message_delta` says, or the end of a whole answer.
    pub(super) fn end(&mut self, stop_reason: Option<StopReason>, refusal: Option<&str>) {
        self.stop_reason = stop_reason.or(self.stop_reason.take());
        self.refusal = refusal.map(str::to_owned).or(self.refusal.take());
    }

    /// What an event between start and end of the message says.
    pub(super) fn content(&mut self, event: &Event<'_>, out: &mut Out<'_>) {
        match event {
            Event::BlockStart { block, .. } => self.start(block, out),
            Event::BlockDelta { delta, .. } => self.grow(delta, out),
            Event::BlockStop { .. } => self.stop(out),
            _ => {}
        }
    }

    pub(super) fn start(&mut self, block: &Block<'_>, out: &mut Out<'_>) {
        self.close_said(ItemStatus::Completed, out);
        self.open = match block {
            Block::Text { text, citations } => {
                self.cited = Cited::list(*citations);
                if let Some(message) = &mut self.message {
                    message.begin_block();
                }
                self.text(text, out);
                Open::Text
            }
            Block::Thinking { thinking, signature } => {
                let mut reasoning = self.reasoning(out);
                reasoning.think(thinking, &mut self.events, out);
                reasoning.sign(signature);
                Open::Reasoning(reasoning)
            }
            Block::RedactedThinking { data } => {
                let mut reasoning = self.reasoning(out);
                reasoning.hide(data);
                Open::Reasoning(reasoning)
            }
            Block::ToolUse { name, input, .. } if self.is_answer(name) => self.answer(input),
            Block::ToolUse { id, name, input } => self.call(id, name, compact(input.get()).into_owned(), out),
            Block::Other { kind, raw } => self.other(kind, raw, out),
        };
    }

    fn grow(&mut self, delta: &Delta<'_>, out: &mut Out<'_>) {
        match (delta, &mut self.open) {
            (Delta::Text(text), Open::Text) => self.text(text, out),
            (Delta::Citation(citation), Open::Text) => self.cited.extend(Cited::read(citation)),
            (Delta::Thinking(text), Open::Reasoning(open)) => open.think(text, &mut self.events, out),
            (Delta::Signature(signature), Open::Reasoning(open)) => open.sign(signature),
            (Delta::InputJson(json), Open::Call(open)) => open.grow(json, &mut self.events, out),
            (Delta::InputJson(json), Open::Answer(started)) if !json.is_empty() => {
                *started = None;
                self.tell(json, out);
            }
            (Delta::InputJson(json), Open::Served(open)) => open.grow(json, &mut self.events, out),
            _ => {}
        }
    }

    pub(super) fn stop(&mut self, out: &mut Out<'_>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Text => {
                let cited = std::mem::take(&mut self.cited);
                if let Some(message) = self.message.as_mut().filter(|_| self.echo.content_tool.is_none()) {
                    message.end_block(cited, &mut self.events, out);
                }
            }
            Open::Reasoning(open) => {
                let done = open.close(&mut self.events, out);
                self.keep(done);
            }
            Open::Call(mut open) => {
                open.end_block(&mut self.events, out);
                self.said = Some(open);
            }
            Open::Served(mut open) => {
                open.end_block(&mut self.events, out);
                self.served.push(open);
            }
            Open::Answer(Some(started)) => self.tell(&started, out),
            Open::Answer(None) | Open::Other | Open::Nothing => {}
        }
    }

    /// Closes all that is open; the response's status.
    pub(super) fn close(&mut self, out: &mut Out<'_>) -> (Status, Option<&'static str>) {
        let reason = self.stop_reason.clone().unwrap_or(StopReason::EndTurn);
        let (status, incomplete) = ending(&reason);
        let whole = if status == Status::Completed { ItemStatus::Completed } else { ItemStatus::Incomplete };
        self.close_said(whole, out);
        for served in std::mem::take(&mut self.served) {
            let done = served.close(None, &mut self.events, out);
            self.keep(done);
        }
        let held = std::mem::take(&mut self.held);
        self.tell(&held, out);
        if reason == StopReason::Refusal {
            let told = self.refusal.take().unwrap_or_else(|| REFUSED.to_owned());
            let mut message = self.message(out);
            message.refuse(told, &mut self.events, out);
            self.message = Some(message);
        }
        self.close_message(whole, out);
        (status, incomplete)
    }

    /// The response object as far as items are done.
    pub(super) fn object(&self, status: Status) -> Object<'_> {
        let mut object = Object::new(&self.echo, &self.id, self.created, status);
        object.output = self.output.iter().flatten().map(|item| &**item).collect();
        object
    }

    pub(super) fn usage(&self) -> ResponseUsage {
        self.usage.into()
    }

    fn place(&mut self, prefix: &str) -> Place {
        let index = self.output.len();
        self.output.push(None);
        let own = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        Place { index, id: format!("{prefix}_{own}{index:03x}") }
    }

    fn keep(&mut self, (index, item): (usize, Box<RawValue>)) {
        if let Some(slot) = self.output.get_mut(index) {
            *slot = Some(item);
        }
    }

    fn message(&mut self, out: &mut Out<'_>) -> OpenMessage {
        match self.message.take() {
            Some(message) => message,
            None => OpenMessage::open(self.place("msg"), &mut self.events, out),
        }
    }

    fn text(&mut self, text: &str, out: &mut Out<'_>) {
        match (&self.echo.content_tool, self.answered) {
            (None, _) => self.tell(text, out),
            (Some(_), false) => self.held.push_str(text),
            (Some(_), true) => {}
        }
    }

    fn tell(&mut self, text: &str, out: &mut Out<'_>) {
        if !text.is_empty() {
            let mut message = self.message(out);
            message.grow(text, &mut self.events, out);
            self.message = Some(message);
        }
    }

    fn is_answer(&self, name: &str) -> bool {
        self.echo.content_tool.as_deref() == Some(name)
    }

    /// The first call is the answer.
    fn answer(&mut self, input: &RawValue) -> Open {
        self.held.clear();
        if std::mem::replace(&mut self.answered, true) {
            return Open::Other;
        }
        Open::Answer(Some(compact(input.get()).into_owned()))
    }

    fn reasoning(&mut self, out: &mut Out<'_>) -> OpenReasoning {
        self.close_message(ItemStatus::Completed, out);
        OpenReasoning::open(self.place("rs"), self.echo.summary, &mut self.events, out)
    }

    fn call(&mut self, id: &str, name: &str, input: String, out: &mut Out<'_>) -> Open {
        self.close_message(ItemStatus::Completed, out);
        let plain = || ToolKind::Function { namespace: None, name: name.to_owned() };
        let kind = self.echo.tools.get(name).cloned().unwrap_or_else(plain);
        let place = self.place(tool_call::prefix(&kind));
        Open::Call(OpenCall::open(place, id, kind, input, &mut self.events, out))
    }

    /// Calls of tools that the API serves, and their results; of other blocks, the text beside them says it in words.
    fn other(&mut self, kind: &str, raw: &RawValue, out: &mut Out<'_>) -> Open {
        let Some(block) = ServedBlock::read(raw) else { return Open::Other };
        if let Some(prefix) = block.begins(kind) {
            self.close_message(ItemStatus::Completed, out);
            let place = self.place(prefix);
            let sources = self.echo.sources;
            return Open::Served(ServedCall::open(place, &block, sources, &mut self.events, out));
        }
        let found = block.answers(kind).and_then(|id| self.served.iter().position(|call| call.is(id)));
        if let Some(found) = found {
            let done = self.served.remove(found).close(Some(&block), &mut self.events, out);
            self.keep(done);
        }
        Open::Other
    }

    fn close_said(&mut self, status: ItemStatus, out: &mut Out<'_>) {
        if let Some(call) = self.said.take() {
            let done = call.close(status, &mut self.events, out);
            self.keep(done);
        }
    }

    fn close_message(&mut self, status: ItemStatus, out: &mut Out<'_>) {
        let held = std::mem::take(&mut self.held);
        self.tell(&held, out);
        if let Some(message) = self.message.take() {
            let done = message.close(status, &mut self.events, out);
            self.keep(done);
        }
    }
}
