//! Newline-delimited JSON: one value a line, each possibly megabytes long.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr3};

/// A line was longer than allowed. Its rest is skipped; reading may go on with the line after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {limit_bytes} bytes")]
pub struct LineTooLong {
    /// The limit that was passed.
    pub limit_bytes: usize,
}

/// Reads lines out of chunks that may be cut anywhere.
///
/// Take all lines with [`next_line`](Self::next_line) after each [`push`](Self::push): then it holds at most one
/// unfinished line of the allowed length.
#[derive(Debug)]
pub struct Lines {
    limit_bytes: usize,
    received: BytesMut,
    /// How much of `received` is known to hold no line end.
    searched: usize,
    skipping: bool,
}

impl Lines {
    /// A reader for one stream, whose lines may hold up to `max_line_bytes` before their LF.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self { limit_bytes: max_line_bytes, received: BytesMut::new(), searched: 0, skipping: false }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        self.received.extend_from_slice(chunk);
    }

    /// The next line that is not blank, without its line end, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`LineTooLong`] once for each line over the limit; the call after it goes on with the next line.
    pub fn next_line(&mut self) -> Result<Option<Bytes>, LineTooLong> {
        while let Some(found) = memchr(b'\n', &self.received[self.searched..]) {
            let line = self.received.split_to(self.searched + found).freeze();
            self.received.advance(1);
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if line.len() > self.limit_bytes {
                return Err(self.too_long());
            }
            let line = without_cr(line);
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        self.keep_partial()
    }

    /// The last line, when the stream ended without a line end after it.
    #[must_use]
    pub fn finish(mut self) -> Option<Bytes> {
        let line = without_cr(self.received.split().freeze());
        (!self.skipping && !line.trim_ascii().is_empty()).then_some(line)
    }

    fn keep_partial(&mut self) -> Result<Option<Bytes>, LineTooLong> {
        let was_skipping = self.skipping;
        self.skipping |= self.received.len() > self.limit_bytes;
        if self.skipping {
            self.received.clear();
        }
        self.searched = self.received.len();
        if self.skipping && !was_skipping { Err(self.too_long()) } else { Ok(None) }
    }

    fn too_long(&self) -> LineTooLong {
        LineTooLong { limit_bytes: self.limit_bytes }
    }
}

fn without_cr(mut line: Bytes) -> Bytes {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    line
}

/// Writes a JSON text as one line.
///
/// Line ends between its tokens become spaces. U+2028 and U+2029 inside its strings are escaped: readers written
/// in JavaScript take them for line ends. The value stays the same.
pub fn write_line(out: &mut BytesMut, json: &[u8]) {
    out.reserve(json.len() + 1);
    let mut rest = json;
    while let Some(found) = memchr3(b'\n', b'\r', 0xE2, rest) {
        let (before, from) = rest.split_at(found);
        out.put_slice(before);
        let (length, written): (usize, &[u8]) = match from {
            [b'\n' | b'\r', ..] => (1, b" "),
            [0xE2, 0x80, 0xA8, ..] => (3, br"\u2028"),
            [0xE2, 0x80, 0xA9, ..] => (3, br"\u2029"),
            _ => (1, &from[..1]),
        };
        out.put_slice(written);
        rest = &from[length..];
    }
    out.put_slice(rest);
    out.put_u8(b'\n');
}
