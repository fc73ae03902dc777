//! The embedded store as the server uses it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bounds;
mod conversations;
mod failures;
mod keys;
mod life;
mod support;
mod usage;
