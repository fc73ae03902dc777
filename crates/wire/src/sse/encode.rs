//! From frames to bytes. What is written can't break out of its frame: a line end inside a value starts a new line
//! of the same field, and one inside a name ends the name.

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Writes `event: NAME`, the data and the blank line. An empty name writes no `event:` line.
pub fn write_event(out: &mut BytesMut, event: &str, data: &[u8]) {
    let (name, _) = first_line(event.as_bytes());
    if !name.is_empty() {
        write_field(out, b"event: ", name);
    }
    write_data(out, data);
}

/// Writes a frame without a name. Data that holds line ends becomes several `data:` lines.
pub fn write_data(out: &mut BytesMut, data: &[u8]) {
    write_lines(out, b"data: ", data);
    out.put_u8(b'\n');
}

/// Writes a comment, which every client skips: it keeps a silent connection open.
pub fn write_comment(out: &mut BytesMut, text: &str) {
    write_lines(out, b": ", text.as_bytes());
    out.put_u8(b'\n');
}

fn write_lines(out: &mut BytesMut, field: &[u8], text: &[u8]) {
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (line, after) = first_line(text);
        write_field(out, field, line);
        rest = after;
    }
}

fn write_field(out: &mut BytesMut, field: &[u8], value: &[u8]) {
    out.reserve(field.len() + value.len() + 2);
    out.put_slice(field);
    out.put_slice(value);
    out.put_u8(b'\n');
}

/// Splits at the first CR, LF or CRLF; `None` when there is none.
fn first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(end) = memchr2(b'\r', b'\n', text) else { return (text, None) };
    let line_end = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
    (&text[..end], Some(&text[end + line_end..]))
}
