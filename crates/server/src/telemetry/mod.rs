//! What the operator sees: metrics and log lines. Never content, never credentials.

mod account;
pub mod logs;
pub(crate) mod metrics;
