//! Requests per minute and caller. The clock is handed in, so every decision can be tested exactly.

mod gcra;
mod limiter;
mod subject;

pub use limiter::RateLimiter;
pub use subject::Subject;

use std::time::Duration;

/// What the limiter says to one request, and what the caller may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may pass. A refused one costs nothing.
    pub allowed: bool,
    /// Requests per minute, as configured.
    pub limit: u32,
    /// Requests that would be allowed right now, after this one.
    pub remaining: u32,
    /// Until a full burst would be allowed again.
    pub reset_after: Duration,
    /// Until the next request would be allowed; zero if one would be now.
    pub retry_after: Duration,
}
