//! Restart back-off: a program that does not start at all is not started over and over. Requests are told at once
//! when to come again, and the log why.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many failed starts in a row are bad luck; from then on further ones wait.
const FORGIVEN: u32 = 3;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// What is remembered about the last starts, by all who start the program.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failed_in_a_row: u32,
    /// No start before this.
    until: Option<Instant>,
    reason: String,
}

/// A start that was not even tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackedOff {
    /// Until the next start is tried.
    pub(crate) wait: Duration,
    /// Why the last one failed, for the log.
    pub(crate) reason: String,
}

impl fmt::Display for BackedOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not tried for another {:?} after failed starts, the last one: {}", self.wait, self.reason)
    }
}

impl std::error::Error for BackedOff {}

impl Backoff {
    /// Whether the program may be started now.
    pub(crate) fn admit(&self) -> Result<(), BackedOff> {
        self.state().admit(Instant::now())
    }

    /// A process ended, or could not be made, before it said a word.
    pub(crate) fn failed(&self, reason: impl Into<String>) {
        self.state().failed(Instant::now(), reason.into(), jitter());
    }

    /// A process answered.
    pub(crate) fn succeeded(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&self, now: Instant) -> Result<(), BackedOff> {
        let wait = self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if wait.is_zero() { Ok(()) } else { Err(BackedOff { wait, reason: self.reason.clone() }) }
    }

    /// Starts that were under way together fail together: they count as one.
    fn failed(&mut self, now: Instant, reason: String, jitter: f64) {
        self.reason = reason;
        if self.admit(now).is_err() {
            return;
        }
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        if self.failed_in_a_row >= FORGIVEN {
            let delay = delay(self.failed_in_a_row - FORGIVEN).mul_f64(jitter);
            self.until = Some(now + delay);
            tracing::error!(failed = self.failed_in_a_row, ?delay, reason = %self.reason, "Claude Code does not start");
        }
    }
}

/// Twice as long each time.
fn delay(step: u32) -> Duration {
    SHORTEST.saturating_mul(2_u32.saturating_pow(step)).min(LONGEST)
}

/// 0.8 to 1.2, so that several servers do not try in step.
fn jitter() -> f64 {
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    0.8 + 0.4 * f64::from(random) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(state: &mut State, now: Instant) {
        state.failed(now, "it broke".into(), 1.0);
    }

    #[test]
    fn the_third_failure_in_a_row_makes_the_next_start_wait_with_its_reason() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 0..2 {
            failed(&mut state, now);
            assert_eq!(state.admit(now), Ok(()));
        }
        failed(&mut state, now);
        assert_eq!(state.admit(now), Err(BackedOff { wait: SHORTEST, reason: "it broke".into() }));
        assert_eq!(state.admit(now + SHORTEST), Ok(()));
    }

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let (mut state, mut now) = (State::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..9 {
            failed(&mut state, now);
            let wait = state.admit(now).err().map_or(Duration::ZERO, |refused| refused.wait);
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn starts_that_fail_together_count_once() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 0..20 {
            failed(&mut state, now);
        }
        assert_eq!(state.admit(now).unwrap_err().wait, SHORTEST);
    }

    #[test]
    fn an_answer_forgives_everything() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed("it broke");
        }
        assert!(backoff.admit().is_err());
        backoff.succeeded();
        backoff.failed("again");
        assert!(backoff.admit().is_ok());
    }

    #[test]
    fn the_jitter_is_a_fifth_at_most() {
        assert!((0..200).map(|_| jitter()).all(|jitter| (0.79..1.21).contains(&jitter)));
    }
}
