//! Server-sent events: [`Decoder`] reads them from chunks cut anywhere, `write_*` writes them.
//!
//! The format is that of <https://html.spec.whatwg.org/multipage/server-sent-events.html>, without `id` and
//! `retry`, which the Messages API does not use.

mod decode;
mod encode;

pub use decode::{Decoder, Frame, FrameTooLong};
pub use encode::{write_comment, write_data, write_event};
