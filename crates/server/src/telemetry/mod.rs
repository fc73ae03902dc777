//! What the operator sees: metrics and log lines. Never content, never credentials.

mod account;
mod keys;
pub mod logs;
pub(crate) mod metrics;
