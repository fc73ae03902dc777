//! The buckets of all callers, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::gcra::Rate;
use super::{Decision, Subject};
use crate::config::RateLimiting;

const SHARDS: usize = 16;
const ADDRESSES_PER_SHARD: usize = 4096;

/// Limits requests per caller.
///
/// Memory is bounded: a bucket that is full again says nothing and is swept when room is needed. When
/// more addresses than fit have spent something, further ones share a bucket, because forgetting a
/// spent one would let its owner through again. Keys always have a bucket of their own: they are as
/// many as were issued.
#[derive(Debug)]
pub struct RateLimiter {
    rate: Rate,
    began: Instant,
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Shard {
    keys: HashMap<Subject, u64>,
    addresses: HashMap<Subject, u64>,
    shared: u64,
    /// Sweeping is not worth while before this time.
    sweep_at: u64,
}

impl RateLimiter {
    /// A limiter with full buckets. `now` is the earliest time that [`RateLimiter::check`] will see.
    pub fn new(config: RateLimiting, now: Instant) -> Self {
        Self::with_capacity(config, now, ADDRESSES_PER_SHARD)
    }

    fn with_capacity(config: RateLimiting, now: Instant, capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { rate: Rate::requests(config), began: now, hasher: RandomState::new(), shards, capacity }
    }

    /// Counts one request of `who`, unless it is refused.
    pub fn check(&self, who: &Subject, now: Instant) -> Decision {
        let since = now.saturating_duration_since(self.began).as_nanos();
        let now = u64::try_from(since).unwrap_or(u64::MAX);
        let mut shard = self.shard(who);
        let full_at = shard.bucket(who, now, self.capacity);
        self.rate.decide(full_at, now, 1)
    }

    /// How many callers are remembered.
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(lock).map(|shard| shard.keys.len() + shard.addresses.len()).sum()
    }

    fn shard(&self, who: &Subject) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(who) % (SHARDS as u64);
        lock(&self.shards[usize::try_from(index).unwrap_or(0)])
    }
}

/// A panic can't leave a shard half-changed, so a poisoned lock is as good as any.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn bucket(&mut self, who: &Subject, now: u64, capacity: usize) -> &mut u64 {
        if let Subject::Key(_) = who {
            return self.keys.entry(who.clone()).or_insert(now);
        }
        if !self.addresses.contains_key(who) && self.addresses.len() >= capacity {
            self.sweep(now);
            if self.addresses.len() >= capacity {
                return &mut self.shared;
            }
        }
        self.addresses.entry(who.clone()).or_insert(now)
    }

    /// Drops buckets that are full again. What is left says when the next look is worth while.
    fn sweep(&mut self, now: u64) {
        if now < self.sweep_at {
            return;
        }
        self.addresses.retain(|_, full_at| *full_at > now);
        self.sweep_at = self.addresses.values().copied().min().unwrap_or(0);
    }
}

#[cfg(test)]
#[path = "limiter_tests.rs"]
mod tests;
