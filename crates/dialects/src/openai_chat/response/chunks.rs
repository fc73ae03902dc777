//! One choice of a streamed answer: one chunk for each event that says something.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;
use messages::{Block, Delta, Event, EventError, StopReason, Usage};
use serde::Serialize;

use super::Heading;
use super::annotation;
use super::chunk::{Choice, ChoiceDelta, Chunk, CustomChunk, FunctionChunk, TextChoice, ToolCallChunk};
use super::shape::{CompletionUsage, ReasoningDetail, completion_id, finish_reason};
use crate::openai::REFUSED;
use crate::openai::citation::Cited;
use crate::openai::compact::compact;
use crate::openai::input_text::{self, InputText};
use crate::openai_chat::Shape;

/// Turns the Messages events of one choice into chunks.
#[derive(Debug)]
pub(super) struct ChunkEncoder {
    id: Arc<str>,
    created: u64,
    model: String,
    index: usize,
    shape: Arc<Shape>,
    include_usage: bool,
    usage: Usage,
    stop_reason: Option<StopReason>,
    refusal: Option<String>,
    next_tool: u32,
    next_detail: u32,
    open: Option<OpenBlock>,
    /// Characters of content so far.
    content_chars: usize,
    content_tool: ContentTool,
    stage: Stage,
    /// Chunks are written here first, so that framing stays the business of `wire`.
    scratch: Vec<u8>,
}

/// The block that deltas go to.
#[derive(Debug)]
enum OpenBlock {
    /// A tool call: its index, and its input as the start told it until deltas tell it better.
    Tool { index: u32, input: Option<String> },
    /// The same for the one `function_call` of a message.
    Function { input: Option<String> },
    /// A custom tool's call.
    Custom { index: u32, text: InputText, input: Option<String> },
    /// A call whose input is the content.
    Content { input: Option<String> },
    /// Text: where it begins in the content, and what it cites.
    Text { start: usize, cited: Vec<Cited> },
    /// A thinking block: its place in `reasoning_details`.
    Thinking { index: u32 },
    /// Anything else.
    Plain,
}

/// Where the content is a tool's input: prose beside it would spoil it, so it waits until it is known to be alone.
#[derive(Debug, Default)]
struct ContentTool {
    called: bool,
    prose: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Waiting,
    Streaming,
    Stopped,
}

impl ChunkEncoder {
    pub(super) fn new(heading: &Heading, index: usize) -> Self {
        Self {
            id: Arc::from(""),
            created: heading.created,
            model: heading.asked_model.clone(),
            index,
            shape: Arc::clone(&heading.shape),
            include_usage: heading.include_usage,
            usage: Usage::default(),
            stop_reason: None,
            refusal: None,
            next_tool: 0,
            next_detail: 0,
            open: None,
            content_chars: 0,
            content_tool: ContentTool::default(),
            stage: Stage::Waiting,
            scratch: Vec::new(),
        }
    }

    pub(super) const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The stream's id, unless it has one.
    pub(super) fn name(&mut self, id: &Arc<str>) {
        if self.id.is_empty() {
            self.id = Arc::clone(id);
        }
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stage == Stage::Stopped
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        match (event, self.stage) {
            (Event::Ping | Event::Other, _) => Ok(()),
            (Event::Error(body), _) => Err(EventError::Upstream(body.kind.clone().into_owned())),
            (Event::MessageStart(start), Stage::Waiting) => {
                if self.id.is_empty() {
                    self.id = completion_id(&start.id, self.shape.text).into();
                }
                self.usage.merge(&start.usage);
                self.stage = Stage::Streaming;
                let echo = self.shape.echo.get(self.index).cloned().unwrap_or_default();
                let delta = ChoiceDelta {
                    role: Some("assistant"),
                    content: Some(Cow::Owned(echo)),
                    ..ChoiceDelta::default()
                };
                self.write(delta, out)
            }
            (_, Stage::Waiting) => Err(EventError::OutOfOrder("message_start comes first")),
            (Event::MessageStart(_), _) => Err(EventError::OutOfOrder("message_start comes once")),
            (_, Stage::Stopped) => Err(EventError::OutOfOrder("nothing follows message_stop")),
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
            Block::Text { text, citations } => {
                let (start, cited) = (self.content_chars, Cited::list(*citations));
                self.open = Some(OpenBlock::Text { start, cited });
                self.prose(text, out)
            }
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
            Block::ToolUse { id, name, input } => self.start_call(id, name, input, out),
            Block::Other { .. } => Ok(()),
        }
    }

    fn start_call(
        &mut self,
        id: &str,
        name: &str,
        input: &serde_json::value::RawValue,
        out: &mut BytesMut,
    ) -> Result<(), EventError> {
        let whole = Some(compact(input.get()).into_owned());
        if self.shape.content_tool.as_deref() == Some(name) {
            // A second one would spoil the first.
            let first = !std::mem::replace(&mut self.content_tool.called, true);
            self.open = Some(if first { OpenBlock::Content { input: whole } } else { OpenBlock::Plain });
            return Ok(());
        }
        let index = self.next_tool;
        self.next_tool += 1;
        let shown = Some(Cow::Borrowed(name));
        if self.shape.functions {
            if index > 0 {
                return Ok(());
            }
            self.open = Some(OpenBlock::Function { input: whole });
            let function_call = Some(FunctionChunk { name: shown, arguments: Cow::Borrowed("") });
            return self.write(ChoiceDelta { function_call, ..ChoiceDelta::default() }, out);
        }
        let call = ToolCallChunk { index, id: Some(Cow::Borrowed(id)), ..ToolCallChunk::default() };
        if self.shape.custom_tools.contains(name) {
            let input = Some(input_text::of_start(input));
            self.open = Some(OpenBlock::Custom { index, text: InputText::default(), input });
            let custom = Some(CustomChunk { name: shown, input: Cow::Borrowed("") });
            return self.tool(ToolCallChunk { r#type: Some("custom"), custom, ..call }, out);
        }
        self.open = Some(OpenBlock::Tool { index, input: whole });
        let function = Some(FunctionChunk { name: shown, arguments: Cow::Borrowed("") });
        self.tool(ToolCallChunk { r#type: Some("function"), function, ..call }, out)
    }

    fn grow(&mut self, delta: &Delta<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        let Some(open) = &mut self.open else {
            return Err(EventError::OutOfOrder("a delta without its block"));
        };
        match (delta, open) {
            (Delta::Text(text), _) => self.prose(text, out),
            (Delta::Citation(citation), OpenBlock::Text { cited, .. }) => {
                cited.extend(Cited::read(citation));
                Ok(())
            }
            (Delta::InputJson(json), open) if !json.is_empty() => match open {
                OpenBlock::Tool { index, input } => {
                    *input = None;
                    let index = *index;
                    self.arguments(index, json, out)
                }
                OpenBlock::Custom { index, text, input } => {
                    *input = None;
                    let (index, more) = (*index, text.push(json));
                    self.custom_input(index, &more, out)
                }
                OpenBlock::Function { input } => {
                    *input = None;
                    self.function_arguments(json, out)
                }
                OpenBlock::Content { input } => {
                    *input = None;
                    self.content(json, out)
                }
                OpenBlock::Text { .. } | OpenBlock::Thinking { .. } | OpenBlock::Plain => Ok(()),
            },
            (Delta::Thinking(text), OpenBlock::Thinking { index }) => {
                let index = *index;
                self.thinking(index, text, out)
            }
            (Delta::Signature(signature), OpenBlock::Thinking { index }) => {
                let index = *index;
                self.signature(index, signature, out)
            }
            _ => Ok(()),
        }
    }

    /// Where no delta came, the input is what the start said, `{}` for a tool without any.
    fn stop(&mut self, out: &mut BytesMut) -> Result<(), EventError> {
        match self.open.take() {
            Some(OpenBlock::Tool { index, input: Some(input) }) => self.arguments(index, &input, out),
            Some(OpenBlock::Function { input: Some(input) }) => self.function_arguments(&input, out),
            Some(OpenBlock::Content { input: Some(input) }) => self.content(&input, out),
            Some(OpenBlock::Custom { index, text, input }) => {
                self.custom_input(index, &input.unwrap_or_else(|| text.finish()), out)
            }
            // What became of prose beside a content tool is not known yet.
            Some(OpenBlock::Text { start, cited })
                if !cited.is_empty() && self.shape.content_tool.is_none() =>
            {
                let annotations = annotation::annotations(cited, start, self.content_chars);
                self.write(ChoiceDelta { annotations, ..ChoiceDelta::default() }, out)
            }
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
        if !self.content_tool.called {
            let prose = std::mem::take(&mut self.content_tool.prose);
            self.content(&prose, out)?;
        }
        if reason == StopReason::Refusal {
            let told = self.refusal.take().map_or(Cow::Borrowed(REFUSED), Cow::Owned);
            self.write(ChoiceDelta { refusal: Some(told), ..ChoiceDelta::default() }, out)?;
        }
        self.stage = Stage::Stopped;
        let reason = finish_reason(Some(&reason), &self.shape, self.next_tool > 0 && !self.shape.text);
        self.choice(ChoiceDelta::default(), Some(reason), out)
    }

    fn detail_index(&mut self) -> u32 {
        self.next_detail += 1;
        self.next_detail - 1
    }

    /// Text of the model's own.
    fn prose(&mut self, text: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if self.shape.content_tool.is_some() {
            self.content_tool.prose.push_str(text);
            return Ok(());
        }
        self.content(text, out)
    }

    fn content(&mut self, text: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if text.is_empty() {
            return Ok(());
        }
        self.content_chars += text.chars().count();
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
        let function = Some(FunctionChunk { name: None, arguments: Cow::Borrowed(json) });
        self.tool(ToolCallChunk { index, function, ..ToolCallChunk::default() }, out)
    }

    fn function_arguments(&mut self, json: &str, out: &mut BytesMut) -> Result<(), EventError> {
        let function_call = Some(FunctionChunk { name: None, arguments: Cow::Borrowed(json) });
        self.write(ChoiceDelta { function_call, ..ChoiceDelta::default() }, out)
    }

    fn custom_input(&mut self, index: u32, text: &str, out: &mut BytesMut) -> Result<(), EventError> {
        if text.is_empty() {
            return Ok(());
        }
        let custom = Some(CustomChunk { name: None, input: Cow::Borrowed(text) });
        self.tool(ToolCallChunk { index, custom, ..ToolCallChunk::default() }, out)
    }

    fn tool(&mut self, call: ToolCallChunk<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.write(ChoiceDelta { tool_calls: Some([call]), ..ChoiceDelta::default() }, out)
    }

    fn write(&mut self, delta: ChoiceDelta<'_>, out: &mut BytesMut) -> Result<(), EventError> {
        self.choice(delta, None, out)
    }

    /// A legacy completion knows text and its end alone.
    fn choice(
        &mut self,
        delta: ChoiceDelta<'_>,
        finish_reason: Option<&'static str>,
        out: &mut BytesMut,
    ) -> Result<(), EventError> {
        let index = self.index;
        if !self.shape.text {
            return self.chunk(&[Choice { index, delta, finish_reason }], None, out);
        }
        let text = delta.content.unwrap_or_default();
        if text.is_empty() && finish_reason.is_none() {
            return Ok(());
        }
        self.chunk(&[TextChoice { text, index, logprobs: None, finish_reason }], None, out)
    }

    /// Writes what is told beside the answer: a chunk that adds nothing to it, with this member more. Clients that do not
    /// know the member see an empty delta.
    pub(super) fn beside(&mut self, member: &str, json: &[u8], out: &mut BytesMut) -> Result<(), EventError> {
        let (index, finish_reason) = (self.index, None);
        if self.shape.text {
            let text = Cow::Borrowed("");
            self.serialize(&[TextChoice { text, index, logprobs: None, finish_reason }], None)?;
        } else {
            self.serialize(&[Choice { index, delta: ChoiceDelta::default(), finish_reason }], None)?;
        }
        self.scratch.pop();
        self.scratch.extend_from_slice(format!(",\"{member}\":").as_bytes());
        self.scratch.extend_from_slice(json);
        self.scratch.push(b'}');
        wire::sse::write_data(out, &self.scratch);
        Ok(())
    }

    /// The chunk that tells what all choices together used.
    pub(super) fn tell_usage(&mut self, usage: Usage, out: &mut BytesMut) -> Result<(), EventError> {
        self.chunk::<Choice<'_>>(&[], Some(usage.into()), out)
    }

    fn chunk<C: Serialize>(
        &mut self,
        choices: &[C],
        usage: Option<CompletionUsage>,
        out: &mut BytesMut,
    ) -> Result<(), EventError> {
        self.serialize(choices, usage)?;
        wire::sse::write_data(out, &self.scratch);
        Ok(())
    }

    fn serialize<C: Serialize>(
        &mut self,
        choices: &[C],
        usage: Option<CompletionUsage>,
    ) -> Result<(), EventError> {
        let chunk = Chunk {
            id: &self.id,
            object: if self.shape.text { "text_completion" } else { "chat.completion.chunk" },
            created: self.created,
            model: &self.model,
            choices,
            usage: self.include_usage.then_some(usage),
        };
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, &chunk)?;
        Ok(())
    }
}
