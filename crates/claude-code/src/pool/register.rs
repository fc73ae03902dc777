//! Every process that a pool started and that is not gone yet: for the sum of their memory, and for what the start of
//! each says about the next.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::backoff::Backoff;
use crate::errors::described;
use crate::process::Exit;

#[derive(Debug, Default)]
pub(crate) struct Register {
    pub(crate) starts: Backoff,
    groups: Mutex<HashSet<Pid>>,
}

/// One process in a [`Register`], until dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    register: Arc<Register>,
    group: Option<Pid>,
    /// By then it should have said something.
    ready_by: Instant,
}

impl Register {
    pub(crate) fn enter(self: &Arc<Self>, group: Option<Pid>, start_timeout: Duration) -> Entry {
        if let Some(group) = group {
            self.groups().insert(group);
        }
        Entry { register: Arc::clone(self), group, ready_by: Instant::now() + start_timeout }
    }

    /// The process groups there are.
    pub(crate) fn all(&self) -> Vec<Pid> {
        self.groups().iter().copied().collect()
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, HashSet<Pid>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// It said its first word.
    pub(crate) fn answers(&self) {
        self.register.starts.succeeded();
    }

    /// It is gone and never said a word. That is a failed start unless it was given up before it had the time.
    pub(crate) fn ended_unheard(&self, by_itself: bool, exit: &Exit) {
        if by_itself || Instant::now() >= self.ready_by {
            self.register.starts.failed(described(exit));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            self.register.groups().remove(&group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_in_the_register_until_it_is_gone() {
        let register = Arc::new(Register::default());
        let entry = register.enter(Pid::from_raw(7), Duration::from_secs(1));
        assert_eq!(register.all(), [Pid::from_raw(7).unwrap()]);
        drop(entry);
        assert!(register.all().is_empty());
    }

    #[test]
    fn only_a_process_that_had_the_time_to_speak_has_failed() {
        let register = Arc::new(Register::default());
        let exit = Exit { status: None, stderr: "no such option".into() };
        let given_up = register.enter(None, Duration::from_secs(9));
        let too_slow = register.enter(None, Duration::ZERO);
        for _ in 0..3 {
            given_up.ended_unheard(false, &exit);
        }
        assert!(register.starts.admit().is_ok());
        for _ in 0..2 {
            given_up.ended_unheard(true, &exit);
        }
        too_slow.ended_unheard(false, &exit);
        assert!(register.starts.admit().unwrap_err().reason.contains("no such option"));
    }
}
