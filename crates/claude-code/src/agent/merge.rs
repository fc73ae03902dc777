//! Makes one answer of the several messages of an agent's turn. No I/O.
//!
//! Each message upstream is followed by a [`Relay`] of its own, so what never reaches a caller otherwise does not here.
//! Only the first message's start and the last one's end are told; content blocks are numbered through; calls of
//! built-in tools, which a caller would take for its own, are left out. The turn is over when the program says so, or
//! when a message ends otherwise than by calling tools.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use messages::{Block, Event, RawEvent, StopReason, Usage};
use wire::json::edit::Edit;

use super::usage;
use crate::errors::Failure;
use crate::protocol::Incoming;
use crate::relay::{Relay, Step, Then};
use crate::tools::Tools;

/// What the caller sees of a line.
#[derive(Debug)]
pub(super) enum Merged {
    Wait,
    Forward(RawEvent),
    /// The last two events, and what the program does after them.
    Finish(End),
    Fail(Failure),
}

/// How an answer ends.
#[derive(Debug)]
pub(super) struct End {
    /// `message_delta`, without the usage of the whole answer yet.
    pub(super) delta: RawEvent,
    pub(super) last: RawEvent,
    pub(super) then: Then,
    /// What the messages seen here used.
    pub(super) seen: Usage,
    /// It took as many messages as it may, and would have gone on.
    pub(super) paused: bool,
}

/// Follows one turn.
#[derive(Debug)]
pub(super) struct Merge {
    tools: Arc<Tools>,
    relay: Relay,
    /// The most messages.
    most: u32,
    begun: u32,
    /// The caller's numbers of the running message's blocks; none for those it does not see.
    places: HashMap<u32, Option<u32>>,
    next_place: u32,
    /// The caller's tools that were called.
    calls: Vec<String>,
    calls_built_in: bool,
    stop: Option<StopReason>,
    delta: Option<RawEvent>,
    /// The end of a message with which the turn may be over.
    end: Option<(RawEvent, RawEvent, Then)>,
    running: Usage,
    before: Usage,
}

impl Merge {
    pub(super) fn new(tools: Arc<Tools>, most: u32) -> Self {
        Self {
            relay: Relay::new(Arc::clone(&tools)),
            tools,
            most,
            begun: 0,
            places: HashMap::new(),
            next_place: 0,
            calls: Vec::new(),
            calls_built_in: false,
            stop: None,
            delta: None,
            end: None,
            running: Usage::default(),
            before: Usage::default(),
        }
    }

    /// The messages so far.
    pub(super) const fn begun(&self) -> u32 {
        self.begun
    }

    pub(super) fn take(&mut self, line: Incoming) -> Merged {
        if let Incoming::Result(result) = &line
            && !result.is_error
            && matches!(self.end, Some((.., Then::Rests)))
        {
            return self.over();
        }
        let seen = if let Incoming::Event(event) = &line { self.look(event) } else { Seen::Other };
        match self.relay.take(line) {
            Step::Wait => Merged::Wait,
            Step::Fail(failure) => Merged::Fail(failure),
            Step::Forward(event) => self.forward(event, seen),
            Step::Finish { last, then } => self.ended(last, then),
        }
    }

    /// The turn takes no further message: as many as it may have are there, and its tools call for another.
    pub(super) fn pause(&mut self) -> Option<End> {
        let (delta, last, _) = self.end.take().filter(|(.., then)| *then == Then::GoesOn)?;
        let delta = usage::stopped_by(&delta, "pause_turn").ok()?;
        Some(End { paused: true, ..self.finish(delta, last, Then::GoesOn) })
    }

    fn look(&mut self, event: &RawEvent) -> Seen {
        match Event::parse(&event.data) {
            Ok(Event::MessageStart(start)) => {
                self.before = usage::sum(self.before, self.running);
                self.running = start.usage;
                Seen::Start
            }
            Ok(Event::BlockStart { index, block }) => {
                let built_in = match &block {
                    Block::ToolUse { name, .. } => !self.tools.know(name),
                    _ => false,
                };
                if let (Block::ToolUse { id, .. }, false) = (block, built_in) {
                    self.calls.push(id.into_owned());
                }
                self.calls_built_in |= built_in;
                Seen::BlockStart { index, built_in }
            }
            Ok(Event::BlockDelta { index, .. } | Event::BlockStop { index }) => Seen::Block(index),
            Ok(Event::MessageDelta { stop_reason, usage, .. }) => {
                self.running.merge(&usage);
                self.stop = stop_reason;
                Seen::Delta
            }
            _ => Seen::Other,
        }
    }

    fn forward(&mut self, event: RawEvent, seen: Seen) -> Merged {
        match seen {
            Seen::Start => {
                self.begun += 1;
                self.places.clear();
                (self.delta, self.end) = (None, None);
                if self.begun == 1 { Merged::Forward(event) } else { Merged::Wait }
            }
            Seen::BlockStart { index, built_in } => {
                let place = (!built_in).then_some(self.next_place);
                self.next_place += u32::from(!built_in);
                self.places.insert(index, place);
                self.placed(event, index)
            }
            Seen::Block(index) => self.placed(event, index),
            Seen::Delta => {
                self.delta = Some(event);
                Merged::Wait
            }
            Seen::Other => Merged::Forward(event),
        }
    }

    fn placed(&self, event: RawEvent, index: u32) -> Merged {
        match self.places.get(&index).copied().flatten() {
            None => Merged::Wait,
            Some(place) if place == index => Merged::Forward(event),
            Some(place) => match renumbered(&event.data, place) {
                Ok(data) => Merged::Forward(RawEvent { name: event.name, data }),
                Err(error) => Merged::Fail(Failure::Broken(error.to_string())),
            },
        }
    }

    /// A message is complete.
    fn ended(&mut self, last: RawEvent, then: Then) -> Merged {
        let Some(delta) = self.delta.take() else { return Merged::Fail(Failure::Broken("no end".into())) };
        let calls_tools = self.stop.take() == Some(StopReason::ToolUse);
        if calls_tools && !self.calls.is_empty() {
            let calls = std::mem::take(&mut self.calls);
            return Merged::Finish(self.finish(delta, last, Then::Waits(calls)));
        }
        self.relay = Relay::new(Arc::clone(&self.tools));
        if calls_tools && std::mem::take(&mut self.calls_built_in) {
            self.end = Some((delta, last, Then::GoesOn));
            let paused = if self.begun >= self.most { self.pause() } else { None };
            return paused.map_or(Merged::Wait, Merged::Finish);
        }
        if then == Then::Rests {
            self.end = Some((delta, last, then));
            return Merged::Wait;
        }
        Merged::Finish(self.finish(delta, last, then))
    }

    fn over(&mut self) -> Merged {
        let Some((delta, last, then)) = self.end.take() else { return Merged::Wait };
        Merged::Finish(self.finish(delta, last, then))
    }

    fn finish(&self, delta: RawEvent, last: RawEvent, then: Then) -> End {
        End { delta, last, then, seen: usage::sum(self.before, self.running), paused: false }
    }
}

/// What an event is, as far as it is told otherwise than it came.
#[derive(Clone, Copy)]
enum Seen {
    Start,
    BlockStart { index: u32, built_in: bool },
    Block(u32),
    Delta,
    Other,
}

fn renumbered(event: &Bytes, place: u32) -> Result<Bytes, wire::json::Malformed> {
    Edit::new(event).set("index", &place.to_string()).finish()
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
