//! The generic cell rate algorithm: one number a caller, the *theoretical arrival time* at which its
//! bucket is full again. Exact, and without a timer. Times are nanoseconds since the limiter began.

use std::time::Duration;

use super::Decision;
use crate::config::RateLimiting;

const MINUTE_NS: u64 = 60_000_000_000;

/// A rate and a burst, in the algorithm's own terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    per_minute: u32,
    /// What a full bucket is worth.
    capacity_ns: u64,
}

impl Rate {
    /// Requests, of which so many may come at once.
    pub(super) fn requests(config: RateLimiting) -> Self {
        let mut rate = Self { per_minute: config.requests_per_minute.max(1), capacity_ns: 0 };
        rate.capacity_ns = rate.worth(1).saturating_mul(u64::from(config.burst_size.max(1)));
        rate
    }

    /// Tokens, of which a minute's may come at once.
    pub(super) fn tokens(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), capacity_ns: MINUTE_NS }
    }

    /// The most that can ever be allowed at once.
    pub(super) const fn most(&self) -> u64 {
        self.per_minute as u64
    }

    /// What so many cost. Rounded up, so that rounding never lets one more through.
    fn worth(&self, amount: u64) -> u64 {
        let ns = (u128::from(amount) * u128::from(MINUTE_NS)).div_ceil(u128::from(self.per_minute));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Decides on so many and moves `full_at` on if they pass.
    pub(super) fn decide(&self, full_at: &mut u64, now: u64, amount: u64) -> Decision {
        let cost = self.worth(amount);
        let spent = full_at.saturating_sub(now);
        let after = spent.saturating_add(cost);
        let allowed = after <= self.capacity_ns;
        let spent = if allowed { after } else { spent };
        if allowed {
            *full_at = now.saturating_add(spent);
        }
        let left = self.capacity_ns.saturating_sub(spent);
        let remaining = u128::from(left) * u128::from(self.per_minute) / u128::from(MINUTE_NS);
        Decision {
            allowed,
            limit: self.per_minute,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_after: Duration::from_nanos(spent),
            retry_after: Duration::from_nanos(cost.saturating_sub(left)),
        }
    }

    /// Corrects a charge: so many were charged, and so many it really was. More than a bucket holds becomes a debt.
    pub(super) fn settle(&self, full_at: &mut u64, now: u64, charged: u64, used: u64) {
        *full_at = if used >= charged {
            (*full_at).max(now).saturating_add(self.worth(used - charged))
        } else {
            full_at.saturating_sub(self.worth(charged - used))
        };
    }
}
