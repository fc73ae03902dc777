//! Bytes only, no I/O: framing of SSE, NDJSON and AWS's event streams, peeking into and editing JSON in place.
//!
//! Holds two promises for the rest of the house: a body differs from what was received only where an edit was
//! asked for, and any split of the received bytes gives the same frames. Everything here is linear in its input
//! and keeps no more than the limit it was given.

pub mod event_stream;
pub mod json;
pub mod ndjson;
pub mod sse;
pub mod tap;
