//! How many spares of each model are worth their memory: as many as were taken in a short while, forgotten slowly.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Requests that come within this need a spare each: replacing one takes about half a second, on a busy machine more.
const BURST: Duration = Duration::from_secs(10);
/// The largest burst counts half after this.
const HALF_LIFE: Duration = Duration::from_secs(60);
/// A model that nobody asked for in this time has no spare.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// What was asked for lately.
#[derive(Debug, Default)]
pub(super) struct Demand {
    models: HashMap<String, Recent>,
}

#[derive(Debug)]
struct Recent {
    /// The requests of the last [`BURST`].
    taken: VecDeque<Instant>,
    largest: f64,
    /// When `largest` was true.
    since: Instant,
    last: Instant,
}

impl Demand {
    /// A request took a process of this model, a spare or not.
    pub(super) fn taken(&mut self, model: &str, now: Instant) {
        let recent = self.models.entry(model.to_owned()).or_insert_with(|| Recent {
            taken: VecDeque::new(),
            largest: 0.0,
            since: now,
            last: now,
        });
        recent.taken.retain(|taken| now.saturating_duration_since(*taken) < BURST);
        recent.taken.push_back(now);
        recent.last = now;
        #[expect(clippy::cast_precision_loss, reason = "a handful of requests")]
        let burst = recent.taken.len() as f64;
        if burst >= recent.largest(now) {
            (recent.largest, recent.since) = (burst, now);
        }
    }

    /// How many spares each model should have, the model asked for last first, `max_idle` in all. `always` has at least
    /// `min_idle`.
    pub(super) fn wanted(
        &mut self,
        always: Option<&str>,
        min_idle: usize,
        max_idle: usize,
        now: Instant,
    ) -> Vec<(String, usize)> {
        self.models.retain(|_, recent| now.saturating_duration_since(recent.last) < FORGOTTEN);
        let mut left = max_idle;
        let mut wanted = Vec::new();
        let mut give = |model: &str, count: usize| {
            let count = count.min(left);
            left -= count;
            wanted.push((model.to_owned(), count));
        };
        // Its own share is not for others to take.
        let reserved = always.map_or(0, |_| min_idle.min(max_idle));
        if let Some(model) = always {
            give(model, reserved);
        }
        let mut recent: Vec<_> = self.models.iter().collect();
        recent.sort_by_key(|(_, recent)| std::cmp::Reverse(recent.last));
        for (model, recent) in recent {
            let had = if always == Some(model.as_str()) { reserved } else { 0 };
            give(model, recent.target(now).saturating_sub(had));
        }
        merged(wanted)
    }
}

/// One entry a model, none without a spare.
fn merged(entries: Vec<(String, usize)>) -> Vec<(String, usize)> {
    let mut merged: Vec<(String, usize)> = Vec::with_capacity(entries.len());
    for (model, count) in entries.into_iter().filter(|(_, count)| *count > 0) {
        match merged.iter_mut().find(|(known, _)| *known == model) {
            Some((_, total)) => *total += count,
            None => merged.push((model, count)),
        }
    }
    merged
}

impl Recent {
    fn largest(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.since).as_secs_f64();
        self.largest * 0.5_f64.powf(age / HALF_LIFE.as_secs_f64())
    }

    /// At least one until the model is forgotten.
    fn target(&self, now: Instant) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and never negative"
        )]
        let target = self.largest(now).round() as usize;
        target.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn asked(times: usize, model: &str, now: Instant) -> Demand {
        let mut demand = Demand::default();
        for _ in 0..times {
            demand.taken(model, now);
        }
        demand
    }

    fn count(demand: &mut Demand, model: &str, now: Instant) -> usize {
        let wanted = demand.wanted(None, 0, 100, now);
        wanted.iter().find(|(found, _)| found == model).map_or(0, |(_, count)| *count)
    }

    #[test]
    fn a_burst_is_expected_again_for_a_while_and_then_forgotten() {
        let now = Instant::now();
        let mut demand = asked(8, "a", now);
        let later: Vec<usize> =
            [0, 60, 120, 240, 299, 301].map(|age| count(&mut demand, "a", now + age * SECOND)).into();
        assert_eq!(later, [8, 4, 2, 1, 1, 0]);
    }

    #[test]
    fn requests_one_after_another_need_one_spare() {
        let mut now = Instant::now();
        let mut demand = Demand::default();
        for _ in 0..50 {
            demand.taken("a", now);
            now += 11 * SECOND;
        }
        assert_eq!(count(&mut demand, "a", now), 1);
    }

    #[test]
    fn the_default_model_has_a_spare_before_anyone_asked() {
        let wanted = Demand::default().wanted(Some("d"), 1, 4, Instant::now());
        assert_eq!(wanted, [("d".to_owned(), 1)]);
    }

    #[test]
    fn what_is_always_kept_counts_towards_what_is_asked_for() {
        let now = Instant::now();
        assert_eq!(asked(3, "d", now).wanted(Some("d"), 2, 9, now), [("d".to_owned(), 3)]);
    }

    #[test]
    fn all_models_share_the_limit_and_the_latest_goes_first() {
        let now = Instant::now();
        let mut demand = asked(5, "old", now);
        for _ in 0..3 {
            demand.taken("new", now + SECOND);
        }
        let wanted = demand.wanted(Some("d"), 1, 6, now + SECOND);
        assert_eq!(wanted, [("d".to_owned(), 1), ("new".to_owned(), 3), ("old".to_owned(), 2)]);
    }

    #[test]
    fn without_room_for_spares_none_is_wanted() {
        let now = Instant::now();
        assert!(asked(5, "a", now).wanted(Some("d"), 3, 0, now).is_empty());
    }
}
