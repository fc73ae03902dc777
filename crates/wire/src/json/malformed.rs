//! Why a body is no JSON object, told without any of its content.

use memchr::{memchr, memchr_iter, memrchr};

/// A body that is not a JSON object, or names a wanted member twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (line {line}, column {column})")]
pub struct Malformed {
    /// Byte offset of where it was found.
    pub offset: usize,
    /// Line of that byte, from 1.
    pub line: usize,
    /// Column of that byte, in bytes, from 1.
    pub column: usize,
    /// What is wrong. Of the body it holds at most the name of a member that was asked for.
    pub reason: String,
}

impl Malformed {
    pub(super) fn at(body: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let before = &body[..offset.min(body.len())];
        let line_start = memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let line = memchr_iter(b'\n', before).count() + 1;
        Self { offset, line, column: before.len() - line_start + 1, reason: reason.into() }
    }

    /// Keeps the parser's words only for syntax: for a wrong type it quotes the value.
    pub(super) fn syntax(body: &[u8], error: &serde_json::Error) -> Self {
        let reason = if error.is_data() {
            "the body is not a JSON object".to_owned()
        } else {
            let text = error.to_string();
            text.split(" at line ").next().unwrap_or_default().to_owned()
        };
        let column = error.column().max(1);
        Self { offset: line_start(body, error.line()) + column - 1, line: error.line(), column, reason }
    }
}

/// Offset of the first byte of a line, counted from 1.
fn line_start(body: &[u8], line: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match memchr(b'\n', &body[start..]) {
            Some(newline) => start += newline + 1,
            None => break,
        }
    }
    start
}
