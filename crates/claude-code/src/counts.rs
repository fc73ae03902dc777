//! How many processes there are, by what they are doing, and how many turns they have answered, by how they came to know
//! the conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Processes by state at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessCounts {
    /// Turns waiting for a free place.
    pub queued: usize,
    /// Started, not yet asked the question or ready to be.
    pub starting: usize,
    /// Asked or answering.
    pub running: usize,
    /// Finished or given up, not yet gone.
    pub ending: usize,
    /// Started ahead of the requests, bound to no conversation yet.
    pub spare: usize,
    /// Waiting for the results of the calls they made.
    pub held: usize,
    /// Waiting for their conversation to go on.
    pub idle: usize,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued,
    Starting,
    /// The question was sent, nothing of the answer is there.
    Asked,
    Running,
    Ending,
    Spare,
    Held,
    Idle,
}

/// Turns answered so far, by how the process came to know what was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnCounts {
    /// Nothing was.
    pub first: u64,
    /// It was there.
    pub continued: u64,
    /// It was told, message by message.
    pub fed: u64,
    /// It was started with a transcript.
    pub resumed: u64,
}

/// How a process came to know a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    First,
    Continued,
    Fed,
    Resumed,
}

/// The counters behind [`ProcessCounts`] and [`TurnCounts`], shared by all turns of a driver.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    processes: [AtomicUsize; 8],
    turns: [AtomicU64; 4],
}

impl Gauge {
    pub(crate) fn read(&self) -> ProcessCounts {
        let count = |phase: Phase| self.processes[phase as usize].load(Ordering::Relaxed);
        ProcessCounts {
            queued: count(Phase::Queued),
            starting: count(Phase::Starting),
            running: count(Phase::Asked) + count(Phase::Running),
            ending: count(Phase::Ending),
            spare: count(Phase::Spare),
            held: count(Phase::Held),
            idle: count(Phase::Idle),
        }
    }

    /// Whether a program works towards the first event of an answer, or is being started.
    pub(crate) fn is_pressed(&self) -> bool {
        [Phase::Starting, Phase::Asked]
            .iter()
            .any(|phase| self.processes[*phase as usize].load(Ordering::Relaxed) > 0)
    }

    pub(crate) fn turns(&self) -> TurnCounts {
        let count = |way: Way| self.turns[way as usize].load(Ordering::Relaxed);
        TurnCounts {
            first: count(Way::First),
            continued: count(Way::Continued),
            fed: count(Way::Fed),
            resumed: count(Way::Resumed),
        }
    }

    pub(crate) fn enter(self: &Arc<Self>, phase: Phase) -> Counted {
        self.processes[phase as usize].fetch_add(1, Ordering::Relaxed);
        Counted { gauge: Arc::clone(self), phase }
    }
}

/// One turn's place in the counters; leaves them when dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    gauge: Arc<Gauge>,
    phase: Phase,
}

impl Counted {
    /// Whether turns wait for a free place.
    pub(crate) fn others_queue(&self) -> bool {
        self.gauge.read().queued > 0
    }

    /// Counts a turn that was answered.
    pub(crate) fn answered(&self, way: Way) {
        self.gauge.turns[way as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn becomes(&mut self, phase: Phase) {
        self.gauge.processes[phase as usize].fetch_add(1, Ordering::Relaxed);
        self.gauge.processes[self.phase as usize].fetch_sub(1, Ordering::Relaxed);
        self.phase = phase;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.processes[self.phase as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_once_and_leaves_when_dropped() {
        let gauge = Arc::new(Gauge::default());
        let mut counted = gauge.enter(Phase::Queued);
        assert_eq!(gauge.read(), ProcessCounts { queued: 1, ..ProcessCounts::default() });
        counted.becomes(Phase::Asked);
        assert_eq!(gauge.read(), ProcessCounts { running: 1, ..ProcessCounts::default() });
        assert!(gauge.is_pressed());
        counted.becomes(Phase::Running);
        assert_eq!(gauge.read(), ProcessCounts { running: 1, ..ProcessCounts::default() });
        assert!(!gauge.is_pressed());
        drop(counted);
        assert_eq!(gauge.read(), ProcessCounts::default());
    }

    #[test]
    fn an_answered_turn_is_counted_by_its_way_and_stays() {
        let gauge = Arc::new(Gauge::default());
        gauge.enter(Phase::Running).answered(Way::Resumed);
        assert_eq!(gauge.turns(), TurnCounts { resumed: 1, ..TurnCounts::default() });
    }
}
