//! A process told apart from a later one with the same number: by the moment it was started.

use std::path::Path;

use rustix::process::Pid;

/// A process that ran, or runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) pid: Pid,
    /// As the system tells it: clock ticks since boot on Linux, a date elsewhere.
    started: String,
}

impl Identity {
    /// The process with this number, if there is one that is not dead yet.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let started = if Path::new("/proc/self/stat").exists() { from_proc(pid) } else { from_ps(pid) };
        started.map(|started| Self { pid, started })
    }

    pub(super) fn of_this_process() -> Option<Self> {
        Self::of(rustix::process::getpid())
    }

    /// Reads what [`record`](Self::record) wrote.
    pub(super) fn parse(record: &str) -> Option<Self> {
        let (pid, started) = record.trim().split_once(' ')?;
        Some(Self { pid: Pid::from_raw(pid.parse().ok()?)?, started: started.to_owned() })
    }

    pub(super) fn record(&self) -> String {
        format!("{} {}\n", self.pid.as_raw_nonzero(), self.started)
    }

    pub(super) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

fn from_proc(pid: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name before the bracket may hold anything. Then the state follows, and as the 20th field the start.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    fields.nth(18).filter(|_| !matches!(state, "Z" | "X")).map(str::to_owned)
}

fn from_ps(pid: Pid) -> Option<String> {
    let mut ps = std::process::Command::new("/bin/ps");
    let number = pid.as_raw_nonzero().to_string();
    let told = ps.env_clear().args(["-o", "lstart=", "-p", &number]).output().ok()?;
    let started =
        String::from_utf8_lossy(&told.stdout).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    (!started.is_empty()).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_lives_as_long_as_its_process() {
        let own = Identity::of_this_process().unwrap();
        assert_eq!(Identity::parse(&own.record()), Some(own.clone()));
        assert!(own.is_alive());
    }

    #[test]
    fn a_later_process_with_the_same_number_is_another() {
        let own = Identity::of_this_process().unwrap();
        let before = Identity { started: "1".into(), ..own };
        assert!(!before.is_alive());
    }

    #[test]
    fn a_process_that_was_not_reaped_yet_is_dead() {
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        let gone = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            Identity::of(pid).is_none()
        });
        child.wait().unwrap();
        assert!(gone);
    }

    #[test]
    fn ps_tells_a_start_too() {
        assert!(from_ps(rustix::process::getpid()).is_some_and(|date| date.split(' ').count() >= 4));
    }

    #[test]
    fn what_is_no_record_names_no_process() {
        for text in ["", "12", "x 5", "0 5", "-"] {
            assert_eq!(Identity::parse(text), None, "{text}");
        }
    }
}
