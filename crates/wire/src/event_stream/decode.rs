//! From bytes to frames.

use bytes::{Buf, Bytes, BytesMut};

use super::headers::{self, Headers};
use super::{CHECKSUM_BYTES, PRELUDE_BYTES};

/// One message of a stream. Its fields are slices of what was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    headers: Bytes,
    /// The message itself.
    pub payload: Bytes,
}

impl Frame {
    /// The header of this name, if it is a string (`:event-type`, `:exception-type`, `:message-type`).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        Headers::new(&self.headers).map_while(Result::ok).find(|(known, _)| *known == name)?.1
    }
}

/// The bytes are no event stream, or not any more. Where the next frame would begin is not known then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// A checksum does not fit what it stands for.
    #[error("the checksum of an event stream's {0} does not fit")]
    Checksum(&'static str),
    /// Lengths that contradict each other.
    #[error("the lengths of an event stream's frame contradict each other")]
    Lengths,
    /// The headers cannot be read.
    #[error("the headers of an event stream's frame cannot be read")]
    Headers,
    /// More than this reader was told to hold.
    #[error("a frame of an event stream is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit that was passed.
        limit_bytes: usize,
    },
}

/// Reads frames out of chunks that may be cut anywhere.
///
/// Take all frames with [`next_frame`](Self::next_frame) after each [`push`](Self::push): then it holds at most one
/// unfinished frame of the allowed length.
#[derive(Debug)]
pub struct Decoder {
    limit_bytes: usize,
    received: BytesMut,
    broken: Option<Corrupt>,
}

impl Decoder {
    /// A decoder for one stream, whose frames may be this long, checksums included.
    #[must_use]
    pub fn new(max_frame_bytes: usize) -> Self {
        Self { limit_bytes: max_frame_bytes, received: BytesMut::new(), broken: None }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.broken.is_none() {
            self.received.extend_from_slice(chunk);
        }
    }

    /// The next whole frame, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`Corrupt`], for good: nothing can be read behind it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Corrupt> {
        if let Some(corrupt) = self.broken {
            return Err(corrupt);
        }
        self.read().inspect_err(|corrupt| {
            self.broken = Some(*corrupt);
            self.received = BytesMut::new();
        })
    }

    /// Whether bytes of an unfinished frame are held once all whole ones were taken: a stream that ends now was cut.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        !self.received.is_empty()
    }

    fn read(&mut self) -> Result<Option<Frame>, Corrupt> {
        let Some(prelude) = self.received.first_chunk::<PRELUDE_BYTES>() else { return Ok(None) };
        // The lengths are believed only once their checksum fits: a wrong one would have us wait for gigabytes.
        let (lengths, checksum) = prelude.split_at(PRELUDE_BYTES - CHECKSUM_BYTES);
        if crc32fast::hash(lengths) != number(checksum) {
            return Err(Corrupt::Checksum("lengths"));
        }
        let (total, header_bytes) = (number(lengths) as usize, number(&lengths[4..]) as usize);
        let Some(payload_bytes) = total.checked_sub(PRELUDE_BYTES + header_bytes + CHECKSUM_BYTES) else {
            return Err(Corrupt::Lengths);
        };
        if total > self.limit_bytes {
            return Err(Corrupt::TooLong { limit_bytes: self.limit_bytes });
        }
        if self.received.len() < total {
            return Ok(None);
        }
        let mut frame = self.received.split_to(total).freeze();
        let checksum = frame.split_off(total - CHECKSUM_BYTES);
        if crc32fast::hash(&frame) != number(&checksum) {
            return Err(Corrupt::Checksum("frame"));
        }
        frame.advance(PRELUDE_BYTES);
        let payload = frame.split_off(frame.len() - payload_bytes);
        headers::check(&frame)?;
        Ok(Some(Frame { headers: frame, payload }))
    }
}

/// The big-endian number that the bytes begin with.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
}
