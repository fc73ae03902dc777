//! A turn's steps unrolled into what streams and JSON answers are both made of.

use crate::refusal;
use crate::script::{Pieces, Step, Thinking, Tool, Turn};
use crate::signature;
use serde_json::value::RawValue;

/// Streamed tool input is cut after about this many characters.
const INPUT_DELTA_CHARS: usize = 16;

#[derive(Debug)]
pub(super) enum Part {
    Start(Start),
    Delta(Delta),
    Stop,
    Event { name: String, data: Box<RawValue> },
    Bytes(String),
    Ping,
    Pause(u64),
    Hold,
    Stall,
    Error { kind: String, message: String },
    Cut,
    Close,
    End,
}

/// A block as it starts.
#[derive(Debug)]
pub(super) enum Start {
    Text,
    Thinking,
    Redacted(String),
    Tool { id: String, name: String },
    Raw(Box<RawValue>),
}

#[derive(Debug)]
pub(super) enum Delta {
    Text(String),
    Thinking(String),
    Signature(String),
    InputJson(String),
    Citation(Box<RawValue>),
    Raw(Box<RawValue>),
}

pub(super) fn calls_a_tool(turn: &Turn) -> bool {
    turn.steps.iter().any(|step| matches!(step, Step::Tool(_)))
}

/// The parts of a turn; `number` makes the ids of its tool calls unique.
pub(super) fn unroll(turn: &Turn, number: u64) -> Vec<Part> {
    let mut unroll = Unroll { parts: Vec::new(), open: Open::None, number, tools: 0 };
    turn.steps.iter().for_each(|step| unroll.step(step));
    unroll.stop();
    unroll.parts
}

#[derive(PartialEq)]
enum Open {
    None,
    Text,
    Other,
}

struct Unroll {
    parts: Vec<Part>,
    open: Open,
    number: u64,
    tools: u64,
}

impl Unroll {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Text(pieces) => self.text(pieces),
            Step::Thinking(Thinking::Signed(text)) => self.thinking(text, &signature::sign(&text.joined())),
            Step::Thinking(Thinking::With { text, signature }) => self.thinking(text, signature),
            Step::RedactedThinking(hidden) => self.whole(Start::Redacted(signature::redact(hidden))),
            Step::Tool(tool) => self.tool(tool),
            Step::Citation(citation) => {
                self.text(&Pieces::Many(Vec::new()));
                self.delta(Delta::Citation(citation.clone()));
            }
            Step::Block(block) => self.start(Start::Raw(block.clone()), Open::Other),
            Step::Delta(delta) => self.delta(Delta::Raw(delta.clone())),
            Step::NextBlock => self.stop(),
            Step::Event(event) => {
                self.parts.push(Part::Event { name: event.name.clone(), data: event.data.clone() });
            }
            Step::Bytes(bytes) => self.parts.push(Part::Bytes(bytes.clone())),
            Step::Error(error) => {
                let prose = || refusal::prose_of(&error.kind).to_owned();
                let message = error.message.clone().unwrap_or_else(prose);
                self.parts.push(Part::Error { kind: error.kind.clone(), message });
            }
            Step::Ping => self.parts.push(Part::Ping),
            Step::PauseMs(ms) => self.parts.push(Part::Pause(*ms)),
            Step::Hold => self.parts.push(Part::Hold),
            Step::Stall => self.parts.push(Part::Stall),
            Step::Cut => self.parts.push(Part::Cut),
            Step::Close => self.parts.push(Part::Close),
            Step::End => self.parts.push(Part::End),
        }
    }

    fn text(&mut self, pieces: &Pieces) {
        if self.open != Open::Text {
            self.start(Start::Text, Open::Text);
        }
        pieces.iter().for_each(|piece| self.delta(Delta::Text(piece.to_owned())));
    }

    fn thinking(&mut self, text: &Pieces, signature: &str) {
        self.start(Start::Thinking, Open::Other);
        text.iter().for_each(|piece| self.delta(Delta::Thinking(piece.to_owned())));
        self.delta(Delta::Signature(signature.to_owned()));
        self.stop();
    }

    fn tool(&mut self, tool: &Tool) {
        self.tools += 1;
        let (number, tools) = (self.number, self.tools);
        let id = tool.id.clone().unwrap_or_else(|| format!("toolu_01Sim{number:014}{tools:03}"));
        self.start(Start::Tool { id, name: tool.name.clone() }, Open::Other);
        match (&tool.deltas, &tool.input) {
            (Some(deltas), _) => {
                deltas.iter().for_each(|delta| self.delta(Delta::InputJson(delta.clone())));
            }
            (None, input) => {
                // The API's first delta is empty.
                self.delta(Delta::InputJson(String::new()));
                let input: Vec<char> = input.as_ref().map_or("{}", |input| input.get()).chars().collect();
                input
                    .chunks(INPUT_DELTA_CHARS)
                    .for_each(|piece| self.delta(Delta::InputJson(piece.iter().collect())));
            }
        }
        self.stop();
    }

    fn whole(&mut self, start: Start) {
        self.start(start, Open::Other);
        self.stop();
    }

    fn start(&mut self, start: Start, open: Open) {
        self.stop();
        self.open = open;
        self.parts.push(Part::Start(start));
    }

    fn delta(&mut self, delta: Delta) {
        self.parts.push(Part::Delta(delta));
    }

    fn stop(&mut self) {
        if std::mem::replace(&mut self.open, Open::None) != Open::None {
            self.parts.push(Part::Stop);
        }
    }
}
