//! A frame's headers: `name length (8 bits), name, type (8 bits), value`, one after the other.

use super::Corrupt;

const STRING: u8 = 7;

/// Reads all headers, so that whoever asks for one later finds them whole.
pub(super) fn check(block: &[u8]) -> Result<(), Corrupt> {
    Headers::new(block).try_for_each(|header| header.map(drop))
}

/// Goes over the headers of a block; the value is there where it is a string.
pub(super) struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    pub(super) const fn new(block: &'a [u8]) -> Self {
        Self(block)
    }

    fn read(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let name_bytes = self.take_number(1)?;
        let name = std::str::from_utf8(self.take(name_bytes)?).ok()?;
        let kind = *self.take(1)?.first()?;
        let value_bytes = match kind {
            0 | 1 => 0,                         // a boolean, told by the type
            2 => 1,                             // a byte
            3 => 2,                             // 16 bits
            4 => 4,                             // 32 bits
            5 | 8 => 8,                         // 64 bits, a point in time
            6 | STRING => self.take_number(2)?, // as long as it says
            9 => 16,                            // a UUID
            _ => return None,
        };
        let value = self.take(value_bytes)?;
        let text = if kind == STRING { Some(std::str::from_utf8(value).ok()?) } else { None };
        Some((name, text))
    }

    fn take_number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<(&'a str, Option<&'a str>), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let header = self.read();
        if header.is_none() {
            self.0 = &[];
        }
        Some(header.ok_or(Corrupt::Headers))
    }
}
