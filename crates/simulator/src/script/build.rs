//! The builder: `turn().text("one").hold().text("two").tool("name", input)`.

use super::{Before, HttpError, Pieces, RawEvent, Step, StreamError, Thinking, Tool, Turn, UsageScript};
use serde_json::value::{RawValue, to_raw_value};

/// An empty turn: answers with no content and `end_turn`.
#[must_use]
pub fn turn() -> Turn {
    Turn::default()
}

/// Each method adds a step or sets a property and gives the turn back.
impl Turn {
    /// Text in one delta.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.step(Step::Text(Pieces::One(text.into())))
    }

    /// Text, one delta for each piece.
    #[must_use]
    pub fn texts<S: Into<String>>(self, pieces: impl IntoIterator<Item = S>) -> Self {
        self.step(Step::Text(Pieces::Many(pieces.into_iter().map(Into::into).collect())))
    }

    /// A thinking block, signed by the simulator.
    #[must_use]
    pub fn thinking(self, text: impl Into<String>) -> Self {
        self.step(Step::Thinking(Thinking::Signed(Pieces::One(text.into()))))
    }

    /// A redacted thinking block that hides this text.
    #[must_use]
    pub fn redacted_thinking(self, hidden: impl Into<String>) -> Self {
        self.step(Step::RedactedThinking(hidden.into()))
    }

    /// A tool call.
    #[must_use]
    pub fn tool(self, name: impl Into<String>, input: impl serde::Serialize) -> Self {
        self.step(Step::Tool(Tool { name: name.into(), input: Some(raw(&input)), deltas: None, id: None }))
    }

    /// A tool call whose input arrives in exactly these deltas.
    #[must_use]
    pub fn tool_deltas<S: Into<String>>(
        self,
        name: impl Into<String>,
        deltas: impl IntoIterator<Item = S>,
    ) -> Self {
        let deltas = Some(deltas.into_iter().map(Into::into).collect());
        self.step(Step::Tool(Tool { name: name.into(), input: None, deltas, id: None }))
    }

    /// A tool call with this id.
    #[must_use]
    pub fn tool_with_id(
        self,
        id: impl Into<String>,
        name: impl Into<String>,
        input: impl serde::Serialize,
    ) -> Self {
        let (name, input) = (name.into(), Some(raw(&input)));
        self.step(Step::Tool(Tool { name, input, deltas: None, id: Some(id.into()) }))
    }

    /// A citation in the open text block.
    #[must_use]
    pub fn citation(self, citation: impl serde::Serialize) -> Self {
        self.step(Step::Citation(raw(&citation)))
    }

    /// A content block of any kind.
    #[must_use]
    pub fn block(self, block: impl serde::Serialize) -> Self {
        self.step(Step::Block(raw(&block)))
    }

    /// A delta of any kind in the open block.
    #[must_use]
    pub fn delta(self, delta: impl serde::Serialize) -> Self {
        self.step(Step::Delta(raw(&delta)))
    }

    /// Ends the open block, so that text after text starts a new one.
    #[must_use]
    pub fn next_block(self) -> Self {
        self.step(Step::NextBlock)
    }

    /// An event of any kind.
    #[must_use]
    pub fn event(self, name: impl Into<String>, data: impl serde::Serialize) -> Self {
        self.step(Step::Event(RawEvent { name: name.into(), data: raw(&data) }))
    }

    /// Bytes as they stand.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<String>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// A ping.
    #[must_use]
    pub fn ping(self) -> Self {
        self.step(Step::Ping)
    }

    /// Wait this many milliseconds.
    #[must_use]
    pub fn pause(self, ms: u64) -> Self {
        self.step(Step::PauseMs(ms))
    }

    /// Wait for a release.
    #[must_use]
    pub fn hold(self) -> Self {
        self.step(Step::Hold)
    }

    /// Open and silent until the client goes.
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// An in-stream error of this type.
    #[must_use]
    pub fn stream_error(self, kind: impl Into<String>, message: impl Into<String>) -> Self {
        self.step(Step::Error(StreamError { kind: kind.into(), message: Some(message.into()) }))
    }

    /// Half an event, then the connection is closed.
    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// The connection is closed between two events.
    #[must_use]
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// The response ends properly, but without `message_stop`.
    #[must_use]
    pub fn end(self) -> Self {
        self.step(Step::End)
    }

    /// Any step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Milliseconds between one delta and the next.
    #[must_use]
    pub fn gap(mut self, ms: u64) -> Self {
        self.gap_ms = ms;
        self
    }

    /// The body in pieces of this many bytes.
    #[must_use]
    pub fn chunks_of(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    /// The body cut at these byte offsets.
    #[must_use]
    pub fn cut_at(mut self, offsets: impl IntoIterator<Item = usize>) -> Self {
        self.cut_at = offsets.into_iter().collect();
        self
    }

    /// Input and output tokens to report.
    #[must_use]
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage.input_tokens = Some(input_tokens);
        self.usage.output_tokens = Some(output_tokens);
        self
    }

    /// Prompt-cache tokens to report.
    #[must_use]
    pub fn cached(mut self, creation: u64, read: u64) -> Self {
        self.usage.cache_creation_input_tokens = Some(creation);
        self.usage.cache_read_input_tokens = Some(read);
        self
    }

    /// Any token counts.
    #[must_use]
    pub fn usage_script(mut self, usage: UsageScript) -> Self {
        self.usage = usage;
        self
    }

    /// The stop reason.
    #[must_use]
    pub fn stop(mut self, reason: impl Into<String>) -> Self {
        self.stop_reason = Some(reason.into());
        self
    }

    /// Stopped by this sequence.
    #[must_use]
    pub fn stop_sequence(mut self, sequence: impl Into<String>) -> Self {
        self.stop_sequence = Some(sequence.into());
        self.stop("stop_sequence")
    }

    /// Answer with an HTTP error of this status.
    #[must_use]
    pub fn error(mut self, status: u16) -> Self {
        self.http_error.get_or_insert_default().status = status;
        self
    }

    /// What the HTTP error says.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.http_error.get_or_insert_default().message = Some(message.into());
        self
    }

    /// The HTTP error in full.
    #[must_use]
    pub fn http_error(mut self, error: HttpError) -> Self {
        self.http_error = Some(error);
        self
    }

    /// A response header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Something before the response's first byte.
    #[must_use]
    pub fn first(mut self, before: Before) -> Self {
        self.before.push(before);
        self
    }

    /// Only for requests whose last user message holds this text.
    #[must_use]
    pub fn when_text(mut self, part: impl Into<String>) -> Self {
        self.matching.text = Some(part.into());
        self
    }

    /// Only for requests whose model's name holds this text.
    #[must_use]
    pub fn when_model(mut self, part: impl Into<String>) -> Self {
        self.matching.model = Some(part.into());
        self
    }

    /// For requests to this path.
    #[must_use]
    pub fn when_path(mut self, path: impl Into<String>) -> Self {
        self.matching.path = Some(path.into());
        self
    }

    /// For this many requests; 0 = every one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Only the steps, without the message around them.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }
}

/// The value as JSON text; `null` when it can't be JSON (a map whose keys are not strings).
fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
