//! Ends and removes what a dead instance left in its scratch root: first the processes, then their directories.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process_group};

use super::identity::Identity;
use crate::kin;
use crate::scratch::Scratch;

/// In each process's scratch directory: which process it is.
pub(super) const PROCESS: &str = "process";
/// How long the killed may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sweeps a root, which itself stays. Only directories with names such as we give are touched.
pub(super) fn root(root: &Path) {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let ours: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_scratch(path)).collect();
    let orphans: Vec<Identity> = ours.iter().filter_map(|path| orphan(path)).collect();
    for orphan in &orphans {
        // Each was the leader of its group. An error means that it is gone by now.
        let _ = kill_process_group(orphan.pid, Signal::KILL);
    }
    // What their tools started is in groups of its own.
    ours.iter().for_each(|scratch| kin::end_now(&Scratch::tmp_below(scratch)));
    let began = Instant::now();
    while began.elapsed() < PATIENCE && orphans.iter().any(Identity::is_alive) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let removed = ours.iter().filter(|path| std::fs::remove_dir_all(path).is_ok()).count();
    if !ours.is_empty() {
        tracing::info!(processes = orphans.len(), directories = removed, "swept what a killed instance left");
    }
}

/// Eight hexadecimal digits, as [`Scratch`](crate::scratch::Scratch) names them.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    named && std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The process of a scratch directory, if it still runs.
fn orphan(scratch: &Path) -> Option<Identity> {
    let record = std::fs::read_to_string(scratch.join(PROCESS)).ok()?;
    Identity::parse(&record).filter(Identity::is_alive)
}
