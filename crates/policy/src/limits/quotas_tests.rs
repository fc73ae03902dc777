use proptest::prelude::*;

use super::*;
use crate::keys::{IssuedKey, KeyHash, Keyring};

const DAY: u64 = 86_400;
/// Noon of a day in the middle of a month.
const NOON: u64 = 1_794_916_800;

fn key(terms: &str) -> KeyId {
    let terms = serde_json::from_str(terms).unwrap();
    let hashes = vec![(KeyHash::of("k"), None)];
    let issued =
        IssuedKey { id: "key_1".into(), name: "k".into(), terms, expires_at: None, revoked: false, hashes };
    Keyring::default().with([issued]).identify("k", 0).unwrap().0.clone()
}

/// A key's account and a clock.
struct Stand {
    quotas: LocalQuotas,
    key: KeyId,
    began: Instant,
}

impl Stand {
    fn new(terms: &str) -> Self {
        let began = Instant::now();
        Self { quotas: LocalQuotas::new(began), key: key(terms), began }
    }

    fn at(&self, seconds: f64) -> Moment {
        let since = Duration::from_secs_f64(seconds);
        Moment { instant: self.began + since, unix: NOON + since.as_secs() }
    }

    fn enter(&self, seconds: f64) -> Result<Left, Refused> {
        ready(self.quotas.enter(&self.key, self.at(seconds)))
    }

    fn reserve(&self, tokens: u64, seconds: f64) -> Result<(u64, Option<Decision>), Refused> {
        ready(self.quotas.reserve(&self.key, tokens, self.at(seconds)))
    }

    fn leave(&self, reserved: u64, used: u64, dollars: f64, seconds: f64) {
        let used = Used { tokens: used, cost: Usd::from_dollars(dollars) };
        self.quotas.leave(&self.key);
        self.quotas.settle(&self.key, reserved, used, self.at(seconds));
    }
}

fn ready<T>(answer: Answer<'_, T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(answer).poll(&mut context) {
        std::task::Poll::Ready(told) => told,
        std::task::Poll::Pending => panic!("what is kept in this process never waits"),
    }
}

#[test]
fn requests_pass_at_their_rate_and_a_refused_one_takes_no_place() {
    let stand = Stand::new(r#"{"requests_per_minute": 60, "burst_size": 2, "concurrent_requests": 9}"#);
    assert_eq!(stand.enter(0.0).unwrap().requests.unwrap().remaining, 1);
    assert!(stand.enter(0.0).is_ok());
    let Err(Refused::Requests(decision)) = stand.enter(0.0) else { panic!() };
    assert_eq!(decision.retry_after, Duration::from_secs(1));
    assert!(stand.enter(1.0).is_ok());
    assert_eq!(lock(&stand.quotas.account("key_1")).running, 3);
}

#[test]
fn no_more_run_at_once_than_may_and_a_place_is_free_when_one_leaves() {
    let stand = Stand::new(r#"{"concurrent_requests": 2}"#);
    assert!(stand.enter(0.0).is_ok() && stand.enter(0.0).is_ok());
    assert_eq!(stand.enter(0.0), Err(Refused::Concurrency(2)));
    stand.leave(0, 0, 0.0, 0.0);
    assert!(stand.enter(0.0).is_ok());
}

#[test]
fn tokens_are_reserved_and_what_was_not_used_is_given_back() {
    let stand = Stand::new(r#"{"tokens_per_minute": 600}"#);
    assert_eq!(stand.enter(0.0).unwrap().tokens.unwrap().remaining, 600);
    assert_eq!(stand.reserve(400, 0.0).unwrap().0, 400);
    let Err(Refused::Tokens(decision, 400)) = stand.reserve(400, 0.0) else { panic!() };
    assert_eq!((decision.remaining, decision.retry_after), (200, Duration::from_secs(20)));
    stand.leave(400, 100, 0.0, 0.0);
    assert_eq!(stand.reserve(400, 0.0).unwrap().1.unwrap().remaining, 100);
}

#[test]
fn what_takes_more_than_a_minute_has_passes_when_the_bucket_is_full_and_leaves_a_debt() {
    let stand = Stand::new(r#"{"tokens_per_minute": 600}"#);
    stand.enter(0.0).unwrap();
    assert_eq!(stand.reserve(9000, 0.0).unwrap().0, 600);
    stand.leave(600, 1200, 0.0, 0.0);
    let Err(Refused::Tokens(decision, _)) = stand.reserve(1, 59.0) else { panic!() };
    assert_eq!(decision.remaining, 0);
    assert!(stand.reserve(1, 60.5).is_ok(), "the debt was 1200 of which 600 may be open");
}

#[test]
fn a_spent_budget_refuses_until_its_day_or_month_is_over() {
    let stand = Stand::new(r#"{"daily_budget_usd": 1, "monthly_budget_usd": 1.5}"#);
    stand.enter(0.0).unwrap();
    stand.leave(0, 0, 0.999, 0.0);
    assert!(stand.enter(1.0).is_ok(), "what is not spent may be begun with");
    stand.leave(0, 0, 0.2, 1.0);
    let Err(Refused::Budget { which, resets_at, wait, .. }) = stand.enter(2.0) else { panic!() };
    assert_eq!((which, resets_at, wait), ("daily", NOON + DAY / 2, Duration::from_secs(DAY / 2 - 2)));
    let tomorrow = (DAY / 2) as f64;
    assert!(stand.enter(tomorrow).is_ok());
    stand.leave(0, 0, 0.4, tomorrow);
    let Err(Refused::Budget { which, resets_at, .. }) = stand.enter(tomorrow) else { panic!() };
    assert_eq!((which, resets_at), ("monthly", Span::month_of(NOON).end));
}

#[test]
fn what_was_spent_before_the_start_counts() {
    let stand = Stand::new(r#"{"daily_budget_usd": 1}"#);
    let dollar = Usd::from_dollars(1.0);
    stand.quotas.restore(vec![("key_1".into(), dollar, dollar)], stand.at(0.0));
    assert!(matches!(stand.enter(0.0), Err(Refused::Budget { .. })));
}

#[test]
fn a_budget_of_nothing_lets_nothing_through() {
    assert!(matches!(Stand::new(r#"{"daily_budget_usd": 0}"#).enter(0.0), Err(Refused::Budget { .. })));
}

proptest! {
    /// However requests come, and whatever they turn out to use: what was used never goes beyond the rate times the
    /// time, one full bucket and the requests whose use was not known yet.
    #[test]
    fn tokens_stay_within_their_limit(
        requests in prop::collection::vec((0.0..3.0_f64, 1..900_u64, 0..900_u64), 1..200),
    ) {
        let stand = Stand::new(r#"{"tokens_per_minute": 600}"#);
        let (mut now, mut used, mut last): (f64, u64, Option<(u64, u64)>) = (0.0, 0, None);
        for (wait, reserve, use_of_it) in requests {
            now += wait;
            let Ok((reserved, _)) = stand.reserve(reserve, now) else { continue };
            // One is always still running while the next one begins.
            if let Some((reserved, used_of_it)) = last.replace((reserved, use_of_it.min(reserved))) {
                stand.leave(reserved, used_of_it, 0.0, now);
                used += used_of_it;
            }
            prop_assert!(used as f64 <= 600.0 + 10.0 * now + 1.0, "{used} after {now} s");
        }
    }
}
