//! One form for all the ways to write the same JSON document.

use super::{Malformed, members};

/// The document with its members in order and without white space between its parts, so that bodies which differ in
/// that alone become the same bytes. Strings and numbers stay as they are written: another spelling of the same value
/// is another document here, which is on the safe side.
///
/// # Errors
/// When the body is not one JSON object, or nested too deeply.
pub fn canonical(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    // All of it is checked first, so that below nothing unexpected can come.
    members::visit(body, &[], |_| Ok(()))?;
    let mut out = Vec::with_capacity(body.len());
    Scanner { body, at: 0 }.value(&mut out);
    Ok(out)
}

/// A way through a document that is known to be well formed.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn value(&mut self, out: &mut Vec<u8>) {
        match self.next() {
            Some(b'{') => self.object(out),
            Some(b'[') => self.array(out),
            _ => self.scalar(out),
        }
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        while let Some(byte) = self.body.get(self.at) {
            if !byte.is_ascii_whitespace() {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn object(&mut self, out: &mut Vec<u8>) {
        self.at += 1;
        let mut members: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        loop {
            match self.next() {
                Some(b'"') => {
                    let (mut name, mut value) = (Vec::new(), Vec::new());
                    self.scalar(&mut name);
                    self.next();
                    // The colon.
                    self.at += 1;
                    self.value(&mut value);
                    members.push((name, value));
                }
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.at += 1;
        // Of a name that stands twice, which value counts may depend on their order: it stays.
        members.sort_by(|one, other| one.0.cmp(&other.0));
        out.push(b'{');
        for (name, value) in members {
            out.extend_from_slice(&name);
            out.push(b':');
            out.extend_from_slice(&value);
            out.push(b',');
        }
        out.push(b'}');
    }

    fn array(&mut self, out: &mut Vec<u8>) {
        self.at += 1;
        out.push(b'[');
        loop {
            match self.next() {
                None | Some(b']') => break,
                Some(b',') => {
                    self.at += 1;
                    out.push(b',');
                }
                Some(_) => self.value(out),
            }
        }
        self.at += 1;
        out.push(b']');
    }

    /// A string, a number or a word.
    fn scalar(&mut self, out: &mut Vec<u8>) {
        let begin = self.at;
        if self.body.get(begin) == Some(&b'"') {
            self.at = members::string_end(self.body, begin) + 1;
        } else {
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
            let rest = self.body.get(begin..).unwrap_or_default();
            self.at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
        }
        out.extend_from_slice(self.body.get(begin..self.at).unwrap_or_default());
    }
}
