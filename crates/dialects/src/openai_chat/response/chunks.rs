//! A streamed answer: one chunk for each event that says something.

use std::borrow::Cow;

use bytes::BytesMut;
use messages::{ApiError, Block, Delta, Event, EventError, StopReason, Usage};

use super::chunk::{Choice, ChoiceDelta, Chunk, FunctionChunk, ToolCallChunk};
use super::compact::compact;
use super::shape::{CompletionUsage, REFUSED, ReasoningDetail, completion_id, finish_reason};
use crate::openai_chat::error_body;

/// Turns Messages events into chat-completion chunks. One per answer.
#[derive(Debug)]
pub struct ChunkEncoder {
    head: Head,
    include_usage: bool,
    usage: Usage,
    stop_reason: Option<StopReason>,
    refusal: Option<String>,
    next_tool: u32,
    next_detail: u32,
    open: Option<OpenBlock>,
    stage: Stage,
    /// Chunks are written here first, so that framing stays the business of `wire`.
    scratch: Vec<u8>,
}

/// What every chunk repeats.
#[derive(Debug)]
struct Head {
    id: String,
    created: u64,
    model: String,
}

/// The block that deltas go to.
#[derive(Debug)]
enum OpenBlock {
    /// A tool call: its index, and its input as the start told it until deltas tell it better.
    Tool { index: u32, input: Option<String> },
    /// A thinking block: its place in `reasoning_details`.
    Thinking { index: u32 },
    /// Anything else.
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Waiting,
    Streaming,
    Stopped,
    Closed,
}

impl ChunkEncoder {
    /// An encoder for one answer. `created` is in seconds since 1970.
    #[must_use]
    pub fn new(asked_model: &str, created: u64, include_usage: bool) -> Self {
        Self {
            head: Head { id: String::new(), created, model: asked_model.to_owned() },
            include_usage,
            usage: Usage::default(),
            stop_reason: None,
            refusal: None,
            next_tool: 0,
            next_detail: 0,
            open: None,
            stage: Stage::Waiting,
            scratch: Vec::new(),
        }
    }

    /// Writes what this event says as SSE. After an error (also an `error` event is one) only [`Self::fail`] may
    /// follow.
    pub fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match (event, self.stage) {
            (Event::Ping | Event::Other, _) => Ok(()),
            (Event::Error(body), _) => Err(EventError::Upstream(body.kind.clone().into_owned())),
            (Event::MessageStart(start), Stage::Waiting) => {
                self.head.id = completion_id(&start.id);
                self.usage.merge(&start.usage);
                self.stage = Stage::Streaming;
                let content = Some(Cow::Borrowed(""));
                self.write(ChoiceDelta { role: Some("assistant"), content, ..ChoiceDelta::default() }, out)
            }
            (_, Stage::Waiting) => Err(EventError::OutOfOrder("message_start comes first")),
            (Event::MessageStart(_), _) => Err(EventError::OutOfOrder("message_start comes once")),
            (_, Stage::Stopped | Stage::Closed) => {
                Err(EventError::OutOfOrder("nothing follows message_stop"))
            }
            (event, Stage::Streaming) => self.stream(event, out),
        }
    }

    fn stream(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match event {
            Event::BlockStart { block, .. } => self.start(block, out),
            Event::BlockDelta { delta, .. } => self.grow(delta, out),
            Event::BlockStop { .. } => self.stop(out),
            Event::MessageDelta { stop_reason, refusal, usage, .. } => {
                self.usage.merge(usage);
                self.stop_reason = stop_reason.clone().or(self.stop_reason.take());
                self.refusal = refusal.as_deref().map(str::to_owned).or(self.refusal.take());
                Ok(())
            }
            Event::MessageStop => self.end(out),
            Event::MessageStart(_) | Event::Ping | Event::Error(_) | Event::Other => Ok(()),
        }
    }

    fn start(&mut self, block: &Block<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.open = Some(OpenBlock::Plain);
        match block {
            Block::Text { text, .. } => self.text(text, out),
            Block::Thinking { thinking, signature } => {
                let index = self.detail_index();
                self.open = Some(OpenBlock::Thinking { index });
                self.thinking(index, thinking, out)?;
                self.signature(index, signature, out)
            }
            Block::RedactedThinking { data } => {
                let detail = ReasoningDetail::encrypted(self.detail_index(), Cow::Borrowed(data));
                let delta = ChoiceDelta { reasoning_details: Some([detail]), ..ChoiceDelta::default() };
                self.write(delta, out)
            }
            Block::ToolUse { id, name, input } => {
                let index = self.next_tool;
                self.next_tool += 1;
                self.open = Some(OpenBlock::Tool { index, input: Some(compact(input.get()).into_owned()) });
                let function =
                    FunctionChunk { name: Some(Cow::Borrowed(name)), arguments: Cow::Borrowed("") };
                let (id, kind) = (Some(Cow::Borrowed(&**id)), Some("function"));
                self.tool(ToolCallChunk { index, id, r#type: kind, function }, out)
            }
            Block::Other { .. } => Ok(()),
        }
    }

    fn grow(&mut self, delta: &Delta<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match (delta, &mut self.open) {
            (_, None) => Err(EventError::OutOfOrder("a delta without its block")),
            (Delta::Text(text), _) => self.text(text, out),
            (Delta::InputJson(json), Some(OpenBlock::Tool { index, input })) if !json.is_empty() => {
                *input = None;
                let index = *index;
                self.arguments(index, json, out)
            }
            (Delta::Thinking(text), Some(OpenBlock::Thinking { index })) => {
                let index = *index;
                self.thinking(index, text, out)
            }
            (Delta::Signature(signature), Some(OpenBlock::Thinking { index })) => {
                let index = *index;
                self.signature(index, signature, out)
            }
            _ => Ok(()),
        }
    }

    fn stop(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        match self.open.take() {
            // No delta came: the arguments are what the start said, `{}` for a tool without any.
            Some(OpenBlock::Tool { index, input: Some(input) }) => self.arguments(index, &input, out),
            _ => Ok(()),
        }
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        if self.open.is_some() {
            return Err(EventError::OutOfOrder("message_stop inside of a block"));
        }
        let Some(reason) = self.stop_reason.take() else {
            return Err(EventError::OutOfOrder("message_stop without a stop reason"));
        };
        if reason == StopReason::Refusal {
            let told = self.refusal.take().map_or(Cow::Borrowed(REFUSED), Cow::Owned);
            self.write(ChoiceDelta { refusal: Some(told), ..ChoiceDelta::default() }, out)?;
        }
        self.stage = Stage::Stopped;
        let finish_reason = Some(finish_reason(Some(&reason)));
        self.chunk(&[Choice { index: 0, delta: ChoiceDelta::default(), finish_reason }], None, out)
    }

    /// The usage chunk, where it was asked for, and `[DONE]`. An error before `message_stop`: a truncated answer
    /// must never look complete.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        if self.stage != Stage::Stopped {
            return Err(EventError::Incomplete);
        }
        if self.include_usage {
            self.chunk(&[], Some(self.usage.into()), out)?;
        }
        self.stage = Stage::Closed;
        wire::sse::write_data(out, b"[DONE]");
        Ok(())
    }

    /// Writes what is told beside the answer: a chunk that adds nothing to it, with this member more. Clients that do not
    /// know the member see an empty delta.
    pub fn beside(&mut self, member: &str, json: &[u8], out: &mut BytesMut) -> Result<(), EventError> {
        let choices = [Choice { index: 0, delta: ChoiceDelta::default(), finish_reason: None }];
        self.serialize(&choices, None)?;
        self.scratch.pop();
        self.scratch.extend_from_slice(format!(",\"{member}\":").as_bytes());
        self.scratch.extend_from_slice(json);
        self.scratch.push(b'}');
        wire::sse::write_data(out, &self.scratch);
        Ok(())
    }

    /// Ends a stream that can't go on: the error, and no `[DONE]`.
    pub fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        if self.stage != Stage::Closed {
            self.stage = Stage::Closed;
            wire::sse::write_data(out, &error_body(error));
        }
    }

    fn detail_index(&mut self) -> u32 {
        self.next_detail += 1;
        self.next_detail - 1
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if text.is_empty() {
            return Ok(());
        }
        self.write(ChoiceDelta { content: Some(Cow::Borrowed(text)), ..ChoiceDelta::default() }, out)
    }

    fn thinking(&mut self, index: u32, text: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if text.is_empty() {
            return Ok(());
        }
        let detail = ReasoningDetail::text(index, Some(Cow::Borrowed(text)), None);
        let delta = ChoiceDelta {
            reasoning_content: Some(Cow::Borrowed(text)),
            reasoning_details: Some([detail]),
            ..ChoiceDelta::default()
        };
        self.write(delta, out)
    }

    fn signature(&mut self, index: u32, signature: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if signature.is_empty() {
            return Ok(());
        }
        let detail = ReasoningDetail::text(index, None, Some(Cow::Borrowed(signature)));
        self.write(ChoiceDelta { reasoning_details: Some([detail]), ..ChoiceDelta::default() }, out)
    }

    fn arguments(&mut self, index: u32, json: &str, out: &mut BytesMut) -> Result<(), EventError> {
        let function = FunctionChunk { name: None, arguments: Cow::Borrowed(json) };
        self.tool(ToolCallChunk { index, id: None, r#type: None, function }, out)
    }

    fn tool(&mut self, call: ToolCallChunk<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.write(ChoiceDelta { tool_calls: Some([call]), ..ChoiceDelta::default() }, out)
    }

    fn write(&mut self, delta: ChoiceDelta<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.chunk(&[Choice { index: 0, delta, finish_reason: None }], None, out)
    }

    fn chunk(
        &mut self,
        choices: &[Choice<'_>],
        usage: Option<CompletionUsage>,
        out: &mut BytesMut,
    ) -> Result<(), EventError> {
        self.serialize(choices, usage)?;
        wire::sse::write_data(out, &self.scratch);
        Ok(())
    }

    fn serialize(
        &mut self,
        choices: &[Choice<'_>],
        usage: Option<CompletionUsage>,
    ) -> Result<(), EventError> {
        let chunk = Chunk {
            id: &self.head.id,
            object: "chat.completion.chunk",
            created: self.head.created,
            model: &self.head.model,
            choices,
            usage: self.include_usage.then_some(usage),
        };
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, &chunk)?;
        Ok(())
    }
}
