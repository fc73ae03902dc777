use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::access::Identity;
use crate::keys::{ConfiguredKey, KeyHash, Keyring};

const EXAMPLE: RateLimiting = RateLimiting { requests_per_minute: 60, burst_size: 10 };

fn address(last: u32) -> Subject {
    Subject::Address(IpAddr::from(last.to_be_bytes()))
}

fn key() -> Subject {
    let ring = Keyring::new([ConfiguredKey::unnamed(KeyHash::of("one"))]);
    Subject::of(&Identity::Key(ring.identify("one", 0).unwrap().0.clone()), [127, 0, 0, 1].into())
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn a_burst_passes_then_one_request_each_interval() {
    let start = Instant::now();
    let limiter = RateLimiter::new(EXAMPLE, start);
    let allowed = |at: Duration| limiter.check(&address(1), start + at).allowed;
    assert_eq!((0..20).filter(|_| allowed(Duration::ZERO)).count(), 10);
    assert!(!allowed(seconds(0.999)));
    assert!(allowed(seconds(1.0)));
    assert!(!allowed(seconds(1.0)));
}

#[test]
fn a_decision_tells_exactly_when_to_come_back() {
    let start = Instant::now();
    let limiter = RateLimiter::new(RateLimiting { requests_per_minute: 60, burst_size: 2 }, start);
    let check = |at: f64| limiter.check(&address(1), start + seconds(at));
    let decision = |allowed, remaining, reset: f64, retry: f64| Decision {
        allowed,
        limit: 60,
        remaining,
        reset_after: seconds(reset),
        retry_after: seconds(retry),
    };
    assert_eq!(check(0.0), decision(true, 1, 1.0, 0.0));
    assert_eq!(check(0.0), decision(true, 0, 2.0, 1.0));
    assert_eq!(check(0.25), decision(false, 0, 1.75, 0.75));
    assert_eq!(check(1.0), decision(true, 0, 2.0, 1.0));
    assert_eq!(check(9.0), decision(true, 1, 1.0, 0.0));
}

#[test]
fn a_refused_request_costs_nothing() {
    let start = Instant::now();
    let limiter = RateLimiter::new(RateLimiting { requests_per_minute: 60, burst_size: 1 }, start);
    assert!(limiter.check(&address(1), start).allowed);
    for _ in 0..1000 {
        assert!(!limiter.check(&address(1), start + seconds(0.5)).allowed);
    }
    assert!(limiter.check(&address(1), start + seconds(1.0)).allowed);
}

#[test]
fn callers_do_not_spend_each_others_requests() {
    let start = Instant::now();
    let limiter = RateLimiter::new(RateLimiting { requests_per_minute: 1, burst_size: 1 }, start);
    for who in [address(1), address(2), key()] {
        assert!(limiter.check(&who, start).allowed);
        assert!(!limiter.check(&who, start).allowed);
    }
}

#[test]
fn a_flood_of_addresses_stays_in_bounded_memory_and_frees_nobody() {
    let start = Instant::now();
    let limiter =
        RateLimiter::with_capacity(RateLimiting { requests_per_minute: 1, burst_size: 1 }, start, 8);
    assert!(limiter.check(&address(0), start).allowed);
    for other in 1..10_000 {
        limiter.check(&address(other), start);
    }
    assert_eq!(limiter.remembered(), SHARDS * 8);
    assert!(!limiter.check(&address(0), start).allowed, "the flood must not have made it forget");
    assert!(limiter.check(&key(), start).allowed, "a key is not hurt by strangers");
}

#[test]
fn room_comes_back_when_buckets_are_full_again() {
    let start = Instant::now();
    let limiter =
        RateLimiter::with_capacity(RateLimiting { requests_per_minute: 60, burst_size: 1 }, start, 8);
    for other in 0..10_000 {
        limiter.check(&address(other), start);
    }
    let later = start + seconds(2.0);
    let newcomers = (20_000..20_016).map(address);
    assert!(newcomers.map(|who| limiter.check(&who, later)).all(|decision| decision.allowed));
    assert!(limiter.remembered() <= SHARDS * 8);
}

proptest! {
    /// The promise of the whole module, over any schedule and from any moment of it.
    #[test]
    fn never_more_than_burst_plus_rate_times_time(
        per_minute in 1_u32..5000,
        burst in 1_u32..50,
        gaps in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..2_000_000_000, 0_u64..20_000_000_000], 1..300),
    ) {
        let start = Instant::now();
        let config = RateLimiting { requests_per_minute: per_minute, burst_size: burst };
        let limiter = RateLimiter::new(config, start);
        let mut now = 0_u64;
        let mut passed: Vec<u64> = Vec::new();
        for gap in gaps {
            now += gap;
            let at = start + Duration::from_nanos(now);
            let decision = limiter.check(&address(1), at);
            if decision.allowed {
                passed.push(now);
            }
        }
        for (first, from) in passed.iter().enumerate() {
            for (last, to) in passed.iter().enumerate().skip(first) {
                let within = (last - first + 1) as u128;
                let earned = u128::from(to - from) * u128::from(per_minute) / 60_000_000_000;
                prop_assert!(within <= u128::from(burst) + earned, "{} in {} ns", within, to - from);
            }
        }
    }

    /// Who waits as long as told is let through, and not a nanosecond earlier.
    #[test]
    fn retry_after_is_the_exact_moment(per_minute in 1_u32..100_000, burst in 1_u32..20, wait in 0_u64..1_000_000_000) {
        let start = Instant::now();
        let config = RateLimiting { requests_per_minute: per_minute, burst_size: burst };
        let limiter = RateLimiter::new(config, start);
        for _ in 0..burst {
            prop_assert!(limiter.check(&address(1), start).allowed);
        }
        let now = start + Duration::from_nanos(wait);
        let refused = limiter.check(&address(1), now);
        if !refused.allowed {
            let early = now + refused.retry_after - Duration::from_nanos(1);
            prop_assert!(!limiter.check(&address(1), early).allowed);
            prop_assert!(limiter.check(&address(1), now + refused.retry_after).allowed);
        }
    }
}
