//! Whose a scratch root is, and what happens to those of instances that are gone.
//!
//! Beside each root `NAME` there is a record `NAME.instance`: the owner's process and its start, locked as long as it
//! lives. Only a root with a record of ours is ever swept, and only when its lock is free *and* its process is gone.

mod identity;
mod sweep;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::settings::OperatorEnvironment;
use identity::Identity;

const RECORD: &str = "instance";

/// Where an instance keeps its scratch directories when nothing else is said: below the user's own runtime directory,
/// which nobody else can read, else in a temporary directory of the user's. Roots of one user are siblings, so that
/// the next instance can sweep what a killed one left.
#[must_use]
pub fn scratch_root(environment: &OperatorEnvironment) -> PathBuf {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    let base = runtime.map_or_else(
        || std::env::temp_dir().join(format!("claude-code-proxy-{}", rustix::process::geteuid().as_raw())),
        |dir| dir.join("claude-code-proxy"),
    );
    base.join(std::process::id().to_string())
}

/// This instance's hold on its scratch root.
#[derive(Debug)]
pub(crate) struct Instance {
    root: PathBuf,
    record: PathBuf,
    /// `None` when another owner of this process holds the root, or the folder is not private.
    lock: Option<File>,
}

impl Instance {
    /// Claims a root that was made private, and sweeps what dead instances left there and beside it. What can't be
    /// claimed or swept is left alone. Blocks for as long as an orphan takes to die.
    pub(crate) fn claim(root: &Path) -> Self {
        let record = root.with_added_extension(RECORD);
        let private = root.parent().filter(|folder| is_private(folder));
        let lock = private.and_then(|_| locked(&record, true)).and_then(|file| own(file, root));
        if let Some(folder) = private.filter(|_| lock.is_some()) {
            sweep_siblings(folder, &record);
        }
        Self { root: root.to_path_buf(), record, lock }
    }
}

/// Nothing is left of an instance that ended in order. What still holds a directory is left to the next one.
impl Drop for Instance {
    fn drop(&mut self) {
        if self.lock.is_some() && std::fs::remove_dir(&self.root).is_ok() {
            drop(std::fs::remove_file(&self.record));
        }
    }
}

/// Notes in a process's scratch directory which process it is of. Blocks.
pub(crate) fn note_process(scratch: &Path, pid: Pid) {
    if let Some(identity) = Identity::of(pid) {
        let written = std::fs::write(scratch.join(sweep::PROCESS), identity.record());
        if let Err(error) = written {
            tracing::warn!(%error, "a process could not be noted: if the server is killed, it may stay");
        }
    }
}

/// Takes a root over from whoever had the record before, unless that one lives.
fn own(mut file: File, root: &Path) -> Option<File> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    match Identity::parse(&text) {
        Some(owner) if owner.is_alive() => return None,
        Some(_) => sweep::root(root),
        None => {}
    }
    file.set_len(0).ok()?;
    file.rewind().ok()?;
    file.write_all(Identity::of_this_process()?.record().as_bytes()).ok()?;
    Some(file)
}

fn sweep_siblings(folder: &Path, own: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let records = entries.map(|entry| entry.path());
    for record in records.filter(|path| path.extension().is_some_and(|kind| kind == RECORD) && path != own) {
        let Some(mut file) = locked(&record, false) else { continue };
        let mut text = String::new();
        let owner = file.read_to_string(&mut text).ok().and_then(|_| Identity::parse(&text));
        if owner.is_some_and(|owner| !owner.is_alive()) {
            let root = record.with_extension("");
            sweep::root(&root);
            if std::fs::remove_dir(&root).is_ok() || !root.exists() {
                drop(std::fs::remove_file(&record));
            }
        }
    }
}

/// The record, if it is a file of ours that nobody else has locked.
fn locked(record: &Path, create: bool) -> Option<File> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(create).mode(0o600).custom_flags(no_link).open(record).ok()?;
    let found = file.metadata().ok()?;
    (found.is_file() && is_ours(&found)).then_some(())?;
    file.try_lock().ok()?;
    // It may have been swept away between the two.
    let still = std::fs::symlink_metadata(record).ok()?;
    (still.ino() == found.ino()).then_some(file)
}

fn is_ours(found: &std::fs::Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

/// Whether nobody else could have put a record there.
fn is_private(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && is_ours(&found) && found.mode() & 0o022 == 0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
