//! From frames to bytes.

use bytes::{BufMut, BytesMut};

use super::{CHECKSUM_BYTES, PRELUDE_BYTES};

const STRING: u8 = 7;

/// Writes one frame. All its headers are strings; a name longer than 255 bytes or a value longer than 65,535 is left out
/// with its header, as the format has no place for it.
pub fn write_frame(out: &mut BytesMut, headers: &[(&str, &str)], payload: &[u8]) {
    let start = out.len();
    out.put_bytes(0, PRELUDE_BYTES);
    for (name, value) in headers {
        let lengths = (u8::try_from(name.len()), u16::try_from(value.len()));
        let (Ok(name_bytes), Ok(value_bytes)) = lengths else { continue };
        out.put_u8(name_bytes);
        out.put_slice(name.as_bytes());
        out.put_u8(STRING);
        out.put_u16(value_bytes);
        out.put_slice(value.as_bytes());
    }
    let header_bytes = out.len() - start - PRELUDE_BYTES;
    out.put_slice(payload);
    let frame = &mut out[start..];
    put_number(frame, 0, frame.len() + CHECKSUM_BYTES);
    put_number(frame, 4, header_bytes);
    let checksum = crc32fast::hash(&frame[..8]);
    frame[8..PRELUDE_BYTES].copy_from_slice(&checksum.to_be_bytes());
    let checksum = crc32fast::hash(frame);
    out.put_u32(checksum);
}

/// A payload of 4 GB does not fit into memory several times over; its length would be cut.
fn put_number(frame: &mut [u8], at: usize, number: usize) {
    frame[at..at + 4].copy_from_slice(&(number as u32).to_be_bytes());
}
