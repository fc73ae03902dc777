//! The server as its clients see it, over the simulator.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod access;
mod background;
mod bodies;
mod cache;
mod chat;
mod choices;
mod clouds;
mod completions;
mod faults;
mod kept;
mod keys;
mod ledger;
mod limits;
mod listener;
mod operations;
mod pass_through;
mod passthrough;
mod records;
mod reload;
mod responses;
mod routing;
mod shutdown;
mod support;
mod translation;
