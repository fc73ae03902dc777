//! The processes that a program started: its tools run in groups of their own, which a signal to the program's group
//! does not reach. They are known by their `TMPDIR`, which no other process has. Looked for where there is `/proc`
//! (Linux); elsewhere a program that is allowed to end ends them itself.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// How often it is looked again: one that is killed may just have started another.
const ROUNDS: usize = 5;

/// Kills all that a program with this `TMPDIR` left, once it is gone itself.
pub(crate) async fn end(tmp: PathBuf) {
    drop(tokio::task::spawn_blocking(move || end_now(&tmp)).await);
}

/// The same, for where nothing else is to be done meanwhile.
pub(crate) fn end_now(tmp: &Path) {
    for _ in 0..ROUNDS {
        let found = of(tmp);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // An error means that it is gone by now.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// The processes with this `TMPDIR`; those that are dead but not reaped have no environment any more.
fn of(tmp: &Path) -> Vec<Pid> {
    let marker = [b"TMPDIR=", tmp.as_os_str().as_encoded_bytes()].concat();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|variable| variable == marker).then_some(pid)
    });
    pids.collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    #[test]
    fn a_process_in_a_group_of_its_own_is_found_by_its_directory_and_another_is_not() {
        let sleep =
            |tmp: &str| Command::new("sleep").arg("60").env("TMPDIR", tmp).process_group(0).spawn().unwrap();
        let (mut ours, mut other) = (sleep("/nowhere/kin/t"), sleep("/nowhere/kin/t2"));
        end_now(Path::new("/nowhere/kin/t"));
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
