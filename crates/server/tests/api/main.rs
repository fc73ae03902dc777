//! The server as its clients see it, over the simulator.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod access;
mod bodies;
mod chat;
mod choices;
mod completions;
mod faults;
mod limits;
mod listener;
mod operations;
mod pass_through;
mod records;
mod shutdown;
mod support;
mod translation;
