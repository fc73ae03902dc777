//! From bytes to frames. A line is searched once, however many chunks it came in, so a long one costs linear time.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of a stream. Both fields are slices of what was received; only a frame with several `data:` lines
/// is put together in a buffer of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The `event:` name; empty when the frame had none.
    pub event: Bytes,
    /// The `data:` lines, joined by `\n`.
    pub data: Bytes,
}

/// A frame held more bytes than allowed. Its rest is skipped; reading may go on with the frame after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server-sent event is longer than {limit_bytes} bytes")]
pub struct FrameTooLong {
    /// The limit that was passed.
    pub limit_bytes: usize,
}

/// Reads frames out of chunks that may be cut anywhere, inside a line end or a character too.
///
/// Take all frames with [`next_frame`](Self::next_frame) after each [`push`](Self::push): then it holds at most one
/// unfinished frame of the allowed length.
#[derive(Debug)]
pub struct Decoder {
    limit_bytes: usize,
    received: BytesMut,
    /// How much of `received` is known to hold no line end.
    searched: usize,
    started: bool,
    /// The last line ended in CR: a LF right after it belongs to that same line end.
    after_cr: bool,
    event: Option<Bytes>,
    data: Option<Data>,
    skipping: Skipping,
}

#[derive(Debug)]
enum Data {
    Line(Bytes),
    Joined(BytesMut),
}

/// What is being thrown away after a frame turned out too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipping {
    Nothing,
    /// Lines up to the blank one that ends the frame.
    Frame,
    /// As `Frame`, and bytes of the line being read were already dropped: it is not blank, whatever follows.
    FrameInsideLine,
}

impl Decoder {
    /// A decoder for one stream, whose frames may hold up to `max_frame_bytes` of name and data.
    #[must_use]
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            limit_bytes: max_frame_bytes,
            received: BytesMut::new(),
            searched: 0,
            started: false,
            after_cr: false,
            event: None,
            data: None,
            skipping: Skipping::Nothing,
        }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        self.received.extend_from_slice(chunk);
    }

    /// The next whole frame, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`FrameTooLong`] once for each frame over the limit; the call after it goes on with the next frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameTooLong> {
        if !self.skip_bom() {
            return Ok(None);
        }
        while let Some(line) = self.next_line()? {
            if line.is_empty() {
                if let Some(frame) = self.end_frame() {
                    return Ok(Some(frame));
                }
            } else if self.skipping == Skipping::Nothing {
                self.field(&line);
            }
        }
        Ok(None)
    }

    /// Whether bytes of an unfinished frame are held once all whole ones were taken: a stream that ends now was
    /// cut, and an event written now would be taken for a part of that frame.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        let in_frame = self.event.is_some() || self.data.is_some() || self.skipping != Skipping::Nothing;
        in_frame || !self.received.is_empty()
    }

    /// False while the bytes so far may still be the start of a byte order mark.
    fn skip_bom(&mut self) -> bool {
        if self.started {
            return true;
        }
        if self.received.len() < BOM.len() && BOM.starts_with(&self.received) {
            return false;
        }
        if self.received.starts_with(BOM) {
            self.received.advance(BOM.len());
        }
        self.started = true;
        true
    }

    /// The next line without its end. While skipping, a line that is not blank may come out shortened.
    fn next_line(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        if self.after_cr && !self.received.is_empty() {
            if self.received[0] == b'\n' {
                self.received.advance(1);
            }
            self.after_cr = false;
        }
        let Some(found) = memchr2(b'\r', b'\n', &self.received[self.searched..]) else {
            return self.hold_partial_line().map(|()| None);
        };
        let length = self.searched + found;
        self.searched = 0;
        self.after_cr = self.received[length] == b'\r';
        let line = self.received.split_to(length).freeze();
        self.received.advance(1);
        match self.skipping {
            Skipping::FrameInsideLine => {
                self.skipping = Skipping::Frame;
                Ok(Some(Bytes::from_static(b"rest of a line")))
            }
            Skipping::Nothing if self.is_too_long(length) => Err(self.skip_frame()),
            Skipping::Nothing | Skipping::Frame => Ok(Some(line)),
        }
    }

    /// A line is refused as soon as it is too long, ended or not, so the frames are the same for any split.
    fn hold_partial_line(&mut self) -> Result<(), FrameTooLong> {
        let length = self.received.len();
        self.searched = length;
        let refused =
            (self.skipping == Skipping::Nothing && self.is_too_long(length)).then(|| self.skip_frame());
        if self.skipping != Skipping::Nothing && length > 0 {
            self.received.clear();
            self.searched = 0;
            self.skipping = Skipping::FrameInsideLine;
        }
        refused.map_or(Ok(()), Err)
    }

    fn skip_frame(&mut self) -> FrameTooLong {
        self.event = None;
        self.data = None;
        self.skipping = Skipping::Frame;
        FrameTooLong { limit_bytes: self.limit_bytes }
    }

    fn is_too_long(&self, line_bytes: usize) -> bool {
        self.held_bytes() + line_bytes > self.limit_bytes
    }

    fn held_bytes(&self) -> usize {
        let data = match &self.data {
            None => 0,
            Some(Data::Line(line)) => line.len(),
            Some(Data::Joined(lines)) => lines.len(),
        };
        self.event.as_ref().map_or(0, Bytes::len) + data
    }

    fn field(&mut self, line: &Bytes) {
        let (name_end, value_start) = match memchr(b':', line) {
            Some(colon) if line.get(colon + 1) == Some(&b' ') => (colon, colon + 2),
            Some(colon) => (colon, colon + 1),
            None => (line.len(), line.len()),
        };
        match &line[..name_end] {
            b"event" => self.event = Some(line.slice(value_start..)),
            b"data" => self.add_data(line.slice(value_start..)),
            _ => {} // a comment (empty name), `id`, `retry` or a field that is not known
        }
    }

    fn add_data(&mut self, line: Bytes) {
        self.data = Some(match self.data.take() {
            None => Data::Line(line),
            Some(Data::Line(first)) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(&first);
                join(lines, &line)
            }
            Some(Data::Joined(lines)) => join(lines, &line),
        });
    }

    /// A frame without any data line is none, by the specification.
    fn end_frame(&mut self) -> Option<Frame> {
        self.skipping = Skipping::Nothing;
        let event = self.event.take().unwrap_or_default();
        let data = match self.data.take()? {
            Data::Line(line) => line,
            Data::Joined(lines) => lines.freeze(),
        };
        Some(Frame { event, data })
    }
}

fn join(mut lines: BytesMut, line: &[u8]) -> Data {
    lines.extend_from_slice(b"\n");
    lines.extend_from_slice(line);
    Data::Joined(lines)
}
