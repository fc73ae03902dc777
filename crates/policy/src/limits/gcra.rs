//! The generic cell rate algorithm: one number a caller, the *theoretical arrival time* at which its
//! bucket is full again. Exact, and without a timer. Times are nanoseconds since the limiter began.

use std::time::Duration;

use super::Decision;
use crate::config::RateLimiting;

const MINUTE_NS: u64 = 60_000_000_000;

/// A rate and a burst, in the algorithm's own terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    limit: u32,
    /// What one request costs. Rounded up, so that rounding never lets one more through.
    interval_ns: u64,
    /// What a full bucket is worth.
    capacity_ns: u64,
}

impl Rate {
    pub(super) fn new(config: RateLimiting) -> Self {
        let per_minute = u64::from(config.requests_per_minute.max(1));
        let interval_ns = MINUTE_NS.div_ceil(per_minute);
        let capacity_ns = interval_ns.saturating_mul(u64::from(config.burst_size.max(1)));
        Self { limit: config.requests_per_minute, interval_ns, capacity_ns }
    }

    /// Decides on one request and moves `full_at` on if it passes.
    pub(super) fn decide(&self, full_at: &mut u64, now: u64) -> Decision {
        let spent = full_at.saturating_sub(now);
        let after = spent.saturating_add(self.interval_ns);
        let allowed = after <= self.capacity_ns;
        let spent = if allowed { after } else { spent };
        if allowed {
            *full_at = now.saturating_add(spent);
        }
        let left = self.capacity_ns.saturating_sub(spent);
        Decision {
            allowed,
            limit: self.limit,
            remaining: u32::try_from(left / self.interval_ns).unwrap_or(u32::MAX),
            reset_after: Duration::from_nanos(spent),
            retry_after: Duration::from_nanos(self.interval_ns.saturating_sub(left)),
        }
    }
}
