//! Leaves a backend alone that fails: closed → open → half-open → closed. Pure: the clock is handed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When to leave a backend alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures among twice as many of the latest outcomes open it: what was long ago neither helps nor hurts.
    pub failures: usize,
    /// Outcomes older than this count no more.
    pub window: Duration,
    /// How long it is left alone before one request tries it.
    pub pause: Duration,
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One request, whose outcome decides.
    HalfOpen,
}

impl BreakerState {
    /// As `/health` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// The memory of one backend's latest outcomes.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    /// When, and whether it failed.
    outcomes: VecDeque<(Instant, bool)>,
    failures: usize,
    /// Since when it is open.
    opened: Option<Instant>,
    /// When a request was let through to try it. One that never tells holds the place no longer than a pause.
    tried: Option<Instant>,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(settings: BreakerSettings) -> Self {
        Self { settings, outcomes: VecDeque::new(), failures: 0, opened: None, tried: None }
    }

    /// Goes by other settings from now on.
    pub fn set(&mut self, settings: BreakerSettings) {
        self.settings = settings;
    }

    /// What it lets through now.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.opened {
            None => BreakerState::Closed,
            Some(opened) if now < opened + self.settings.pause => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether a request would be let through now.
    #[must_use]
    pub fn admits(&self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.tried.is_none_or(|tried| now >= tried + self.settings.pause),
        }
    }

    /// A request goes there.
    pub fn begin(&mut self, now: Instant) {
        if self.state(now) == BreakerState::HalfOpen {
            self.tried = Some(now);
        }
    }

    /// It begins to answer: whatever comes of this answer, it can be asked again.
    pub fn answers(&mut self, now: Instant) {
        if self.state(now) == BreakerState::HalfOpen {
            *self = Self::new(self.settings);
        }
    }

    /// An answer came to its end.
    pub fn succeeded(&mut self, now: Instant) {
        self.record(now, false);
    }

    /// A request failed, for no fault of its own.
    pub fn failed(&mut self, now: Instant) {
        match self.state(now) {
            // Requests that were on their way tell nothing new.
            BreakerState::Open => {}
            BreakerState::HalfOpen => (self.opened, self.tried) = (Some(now), None),
            BreakerState::Closed => {
                self.record(now, true);
                if self.failures >= self.settings.failures {
                    *self = Self { opened: Some(now), ..Self::new(self.settings) };
                }
            }
        }
    }

    /// A request that tried it came to no outcome: the next one may.
    pub fn left(&mut self) {
        self.tried = None;
    }

    fn record(&mut self, now: Instant, failed: bool) {
        while let Some((at, _)) = self.outcomes.front()
            && (self.outcomes.len() >= 2 * self.settings.failures || *at + self.settings.window <= now)
        {
            if self.outcomes.pop_front().is_some_and(|(_, failed)| failed) {
                self.failures -= 1;
            }
        }
        self.outcomes.push_back((now, failed));
        self.failures += usize::from(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BreakerState::{Closed, HalfOpen, Open};

    const SECOND: Duration = Duration::from_secs(1);
    const SETTINGS: BreakerSettings =
        BreakerSettings { failures: 3, window: Duration::from_secs(10), pause: Duration::from_secs(5) };

    fn opened(at: Instant) -> Breaker {
        let mut breaker = Breaker::new(SETTINGS);
        (0..3).for_each(|_| breaker.failed(at));
        breaker
    }

    #[test]
    fn so_many_failures_open_it_for_a_pause() {
        let (mut breaker, start) = (Breaker::new(SETTINGS), Instant::now());
        for _ in 0..2 {
            breaker.failed(start);
            assert_eq!((breaker.state(start), breaker.admits(start)), (Closed, true));
        }
        breaker.failed(start);
        assert_eq!((breaker.state(start), breaker.admits(start)), (Open, false));
        assert_eq!(breaker.state(start + 5 * SECOND - SECOND / 1000), Open);
        assert_eq!(breaker.state(start + 5 * SECOND), HalfOpen);
    }

    #[test]
    fn a_long_good_past_does_not_keep_it_closed() {
        let (mut breaker, start) = (Breaker::new(SETTINGS), Instant::now());
        (0..1000).for_each(|_| breaker.succeeded(start));
        (0..3).for_each(|_| breaker.failed(start));
        assert_eq!(breaker.state(start), Open);
    }

    #[test]
    fn old_failures_and_few_among_many_do_not_open_it() {
        let (mut breaker, start) = (Breaker::new(SETTINGS), Instant::now());
        (0..5).for_each(|second| breaker.failed(start + 6 * second * SECOND));
        assert_eq!(breaker.state(start + 24 * SECOND), Closed);
        let (mut breaker, start) = (Breaker::new(SETTINGS), Instant::now());
        for _ in 0..50 {
            breaker.succeeded(start);
            breaker.succeeded(start);
            breaker.failed(start);
        }
        assert_eq!(breaker.state(start), Closed);
    }

    #[test]
    fn half_open_lets_one_request_through_whose_outcome_decides() {
        let start = Instant::now();
        let later = start + 5 * SECOND;
        let mut breaker = opened(start);
        assert!(breaker.admits(later));
        breaker.begin(later);
        assert!(!breaker.admits(later));
        breaker.failed(later);
        assert_eq!(breaker.state(later + 4 * SECOND), Open);

        let again = later + 5 * SECOND;
        breaker.begin(again);
        breaker.answers(again);
        assert_eq!((breaker.state(again), breaker.admits(again)), (Closed, true));
        breaker.failed(again);
        assert_eq!(breaker.state(again), Closed, "earlier failures are forgotten");
    }

    #[test]
    fn a_trial_without_an_outcome_gives_its_place_to_the_next() {
        let start = Instant::now();
        let later = start + 5 * SECOND;
        let mut breaker = opened(start);
        breaker.begin(later);
        breaker.left();
        assert!(breaker.admits(later));
        breaker.begin(later);
        assert!(!breaker.admits(later + 4 * SECOND));
        assert!(breaker.admits(later + 5 * SECOND), "one that never tells does not hold it for ever");
    }

    #[test]
    fn what_was_on_its_way_when_it_opened_changes_nothing() {
        let start = Instant::now();
        let mut breaker = opened(start);
        breaker.failed(start + 4 * SECOND);
        breaker.succeeded(start + 4 * SECOND);
        assert_eq!(breaker.state(start + 4 * SECOND), Open);
        assert_eq!(breaker.state(start + 5 * SECOND), HalfOpen);
    }

    #[test]
    fn its_memory_is_bounded() {
        let (mut breaker, start) = (Breaker::new(SETTINGS), Instant::now());
        (0..10_000).for_each(|_| breaker.succeeded(start));
        assert_eq!(breaker.outcomes.len(), 2 * SETTINGS.failures);
    }
}
