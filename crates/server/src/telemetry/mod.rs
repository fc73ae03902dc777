//! What the operator sees: metrics and log lines. Never content, never credentials.

pub mod logs;
pub(crate) mod metrics;
