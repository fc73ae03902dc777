//! Requests per minute and caller; of keys also tokens, requests at once and money. The clock is handed in, so every
//! decision can be tested exactly.

mod calendar;
mod gcra;
mod limiter;
mod quotas;
mod subject;

pub use calendar::Span;
pub use limiter::RateLimiter;
pub use quotas::{Answer, Left, LocalQuotas, Quotas, Refused, Used};
pub use subject::Subject;

use std::time::{Duration, Instant};

/// Now, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For rates.
    pub instant: Instant,
    /// For days and months: seconds since 1970.
    pub unix: u64,
}

/// What the limiter says to one request, and what the caller may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may pass. What is refused costs nothing.
    pub allowed: bool,
    /// How much per minute, as configured.
    pub limit: u32,
    /// What would be allowed right now, after this.
    pub remaining: u32,
    /// Until a full burst would be allowed again.
    pub reset_after: Duration,
    /// Until as much would be allowed; of what was allowed, until as much would be again.
    pub retry_after: Duration,
}
