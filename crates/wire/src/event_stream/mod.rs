//! AWS's event streams: [`Decoder`] reads frames from chunks cut anywhere, [`write_frame`] writes them.
//!
//! A frame is `total length, headers length, CRC of these, headers, payload, CRC of all before`; the lengths and checksums
//! are 32 bits, big endian, the checksum is the CRC-32 of zlib
//! (<https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html>).

mod decode;
mod encode;
mod headers;

pub use decode::{Corrupt, Decoder, Frame};
pub use encode::write_frame;

/// Both lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
/// The checksum at the end.
const CHECKSUM_BYTES: usize = 4;
