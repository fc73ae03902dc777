//! Looks on while SSE bytes pass by. It has no way to alter or delay them: it is lent each chunk and hands out
//! only the frames that its owner asked for.

use crate::sse::Decoder;

/// Sees the frames of one stream whose names are in a list.
#[derive(Debug)]
pub struct Tap {
    names: &'static [&'static str],
    decoder: Decoder,
}

impl Tap {
    /// A tap for the frames called one of `names`. One with more than `max_frame_bytes` of name and data is not
    /// seen, the ones after it are.
    #[must_use]
    pub fn new(names: &'static [&'static str], max_frame_bytes: usize) -> Self {
        Self { names, decoder: Decoder::new(max_frame_bytes) }
    }

    /// Takes note of the next bytes and calls `each` with name and data of every wanted frame that they finish.
    pub fn observe(&mut self, chunk: &[u8], mut each: impl FnMut(&str, &[u8])) {
        self.decoder.push(chunk);
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => {
                    if let Some(name) = self.names.iter().find(|name| name.as_bytes() == frame.event) {
                        each(name, &frame.data);
                    }
                }
                Ok(None) => return,
                Err(_too_long) => {} // skipped: the stream is the client's, only our reading of it is bounded
            }
        }
    }

    /// Whether the bytes so far end with a whole frame, so that an event of our own may follow them.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        !self.decoder.has_partial()
    }
}
