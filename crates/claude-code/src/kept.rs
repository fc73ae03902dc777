//! The processes that wait for their conversation to go on: each is found by what it has heard, and taken by one
//! request only. When a place is needed the oldest idle one goes first, then the oldest that holds calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::conversation::Mark;
use crate::cost::Bill;
use crate::stream::Item;
use crate::turn::Turn;

/// A turn for a process that waits.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) turn: Arc<Turn>,
    /// The other end is the caller's stream. Dropped without an event when the process turns out to be gone.
    pub(crate) events: mpsc::Sender<Item>,
    /// Where its cost is to be told.
    pub(crate) bill: Bill,
}

/// All processes that wait, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    entries: Mutex<Entries>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    last_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    heard: Mark,
    holds_calls: bool,
    /// Dropped, it gives the process up.
    next: oneshot::Sender<Next>,
}

/// The process's own end of an entry; dropped, the entry is gone.
#[derive(Debug)]
pub(crate) struct Waiting {
    kept: Arc<Kept>,
    id: u64,
    pub(crate) next: oneshot::Receiver<Next>,
}

impl Kept {
    pub(crate) fn put(self: &Arc<Self>, heard: Mark, holds_calls: bool) -> Waiting {
        let (sender, next) = oneshot::channel();
        let mut entries = self.entries();
        entries.last_id += 1;
        let id = entries.last_id;
        entries.list.push(Entry { id, heard, holds_calls, next: sender });
        drop(entries);
        self.grown.notify_waiters();
        Waiting { kept: Arc::clone(self), id, next }
    }

    /// Takes the process that has heard exactly this.
    pub(crate) fn take(&self, heard: Mark) -> Option<oneshot::Sender<Next>> {
        let mut entries = self.entries();
        let at = entries.list.iter().rposition(|entry| entry.heard == heard)?;
        Some(entries.list.remove(at).next)
    }

    /// Gives one process up, if any waits: one that holds calls only when no other is left.
    pub(crate) fn give_up_oldest(&self) -> bool {
        self.give_up_idle() || self.give_up(|_| true)
    }

    /// Gives one process up that holds no calls, if there is one.
    pub(crate) fn give_up_idle(&self) -> bool {
        self.give_up(|entry| !entry.holds_calls)
    }

    fn give_up(&self, which: impl FnMut(&Entry) -> bool) -> bool {
        let mut entries = self.entries();
        let at = entries.list.iter().position(which);
        at.map(|at| drop(entries.list.remove(at))).is_some()
    }

    /// Resolves when one more process waits, counted from this call on.
    pub(crate) fn grown(&self) -> Notified<'_> {
        self.grown.notified()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.kept.entries().list.retain(|entry| entry.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Mark {
        Mark::begin("", text, "", "")
    }

    #[test]
    fn a_process_is_taken_once_and_only_by_what_it_has_heard() {
        let kept = Arc::new(Kept::default());
        let _waiting = kept.put(mark("a"), false);
        assert!(kept.take(mark("b")).is_none());
        assert!(kept.take(mark("a")).is_some());
        assert!(kept.take(mark("a")).is_none());
    }

    #[test]
    fn the_oldest_idle_one_is_given_up_first_then_the_oldest_with_calls() {
        let kept = Arc::new(Kept::default());
        let mut held = [kept.put(mark("a"), true), kept.put(mark("b"), true)];
        let mut idle = [kept.put(mark("c"), false), kept.put(mark("d"), false)];
        let gone = |waiting: &mut Waiting| {
            matches!(waiting.next.try_recv(), Err(oneshot::error::TryRecvError::Closed))
        };
        for waiting in idle.iter_mut().chain(&mut held) {
            assert!(!gone(waiting) && kept.give_up_oldest() && gone(waiting));
        }
        assert!(!kept.give_up_oldest());
    }

    #[test]
    fn a_process_that_is_gone_is_not_found() {
        let kept = Arc::new(Kept::default());
        drop(kept.put(mark("a"), true));
        assert!(kept.take(mark("a")).is_none());
    }
}
