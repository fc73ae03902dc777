//! The Anthropic Messages API as this proxy reads it: requests, events, usage, errors.
//!
//! Everything here is a borrowed, tolerant view over JSON bytes: what is not known (a block, a delta, an event, a
//! field) is kept as it came and never refused merely for being new. Nothing is turned into a `serde_json::Value`.
//! Shapes follow <https://platform.claude.com/docs/en/api/messages>.

mod accumulator;
mod block;
mod error;
mod event;
pub mod grammar;
pub mod ignored;
pub mod json;
mod message;
mod meter;
pub mod names;
pub mod request;
mod stop;
mod usage;

pub use accumulator::Accumulator;
pub use block::{Block, Delta};
pub use error::{ApiError, ErrorKind};
pub use event::{ErrorBody, Event, EventError, MessageStart, RawEvent};
pub use ignored::Ignored;
pub use message::Message;
pub use meter::Meter;
pub use stop::StopReason;
pub use usage::Usage;
