//! A private directory for each process: its working directory, its `TMPDIR` and, where nothing of the operator's is
//! needed, its home. Removed with everything in it when the process is gone.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use crate::instance;
use crate::settings::SetupError;

const PRIVATE: u32 = 0o700;
/// The waits, in seconds, before a directory that could not be removed is tried again.
const TRY_AGAIN_SECONDS: [u64; 5] = [1, 4, 16, 64, 256];

/// One process's directory. Names are short: the program opens a socket below `TMPDIR`, whose path has 103 bytes at
/// most, and goes to `/tmp` with it where it does not fit.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    removed: bool,
}

impl Scratch {
    /// Makes the root, or makes an existing one private.
    pub(crate) fn prepare_root(root: &Path) -> Result<(), SetupError> {
        let failed = |reason: String| SetupError::Scratch { path: root.to_path_buf(), reason };
        if !root.is_absolute() {
            return Err(failed("it must be an absolute path".into()));
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(PRIVATE).create(root).map_err(|error| failed(error.to_string()))?;
        let found = std::fs::symlink_metadata(root).map_err(|error| failed(error.to_string()))?;
        if !found.is_dir() {
            return Err(failed("it is not a directory".into()));
        }
        refuse_strangers(root, &found).map_err(failed)?;
        if found.permissions().mode() & 0o777 != PRIVATE {
            let private = std::fs::Permissions::from_mode(PRIVATE);
            std::fs::set_permissions(root, private).map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }

    /// An empty directory that no other process has.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        let mut name = uuid::Uuid::new_v4().simple().to_string();
        name.truncate(8);
        let path = root.join(name);
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(PRIVATE).create(&path)?;
        let scratch = Self { path, removed: false };
        for folder in [scratch.work(), scratch.tmp(), scratch.home()] {
            builder.create(folder)?;
        }
        Ok(scratch)
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.path.join("w")
    }

    /// Notes which process this directory is of, for whoever sweeps after a killed server.
    pub(crate) async fn note_process(&self, pid: Pid) {
        let path = self.path.clone();
        drop(tokio::task::spawn_blocking(move || instance::note_process(&path, pid)).await);
    }

    /// A conversation's transcript, where the command line names it.
    pub(crate) fn transcript(&self) -> PathBuf {
        self.path.join("transcript.jsonl")
    }

    /// For temporary files.
    pub(crate) fn tmp(&self) -> PathBuf {
        Self::tmp_below(&self.path)
    }

    /// Where a directory of this kind has its temporary files.
    pub(crate) fn tmp_below(path: &Path) -> PathBuf {
        path.join("t")
    }

    /// A home for a process that needs nothing of the operator's.
    pub(crate) fn home(&self) -> PathBuf {
        self.path.join("h")
    }

    /// Removes everything, off the async threads. Only after the process group is gone. What can't be removed now (a full
    /// disk refuses even that on some file systems) is tried again in the background; this does not wait for it.
    pub(crate) async fn remove(mut self) {
        let path = std::mem::take(&mut self.path);
        self.removed = true;
        if remove_now(&path).await.is_err() {
            tokio::spawn(remove_later(path));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.removed && remove(&self.path).is_err() {
            tracing::warn!("a scratch directory could not be removed");
        }
    }
}

/// Whoever owns the folder above could put another directory in the root's place.
fn refuse_strangers(root: &Path, found: &Metadata) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own {
        return Err("it belongs to another user".into());
    }
    let above = root.parent().map(std::fs::metadata).transpose().map_err(|error| error.to_string())?;
    match above {
        Some(above) if ![own, 0].contains(&above.uid()) => {
            Err("the folder it is in belongs to another user".into())
        }
        _ => Ok(()),
    }
}

async fn remove_later(path: PathBuf) {
    for wait in TRY_AGAIN_SECONDS {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        if remove_now(&path).await.is_ok() {
            return;
        }
    }
    tracing::warn!("a scratch directory could not be removed: the next start of the server tries again");
}

async fn remove_now(path: &Path) -> io::Result<()> {
    let path = path.to_path_buf();
    tokio::task::spawn_blocking(move || remove(&path)).await.map_err(io::Error::other)?
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_made_private() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("a/b");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        Scratch::prepare_root(&root).unwrap();
        assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_or_a_relative_path_is_no_root() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Scratch::prepare_root(&file).is_err());
        assert!(Scratch::prepare_root(Path::new("relative")).is_err());
    }

    #[tokio::test]
    async fn what_can_not_be_removed_at_once_is_removed_soon() {
        let parent = tempfile::tempdir().unwrap();
        let (root, aside) = (parent.path().join("root"), parent.path().join("aside"));
        std::fs::create_dir(&root).unwrap();
        let scratch = Scratch::create(&root).unwrap();
        std::fs::rename(&root, &aside).unwrap();
        std::fs::write(&root, "in its place").unwrap();
        scratch.remove().await;
        std::fs::remove_file(&root).unwrap();
        std::fs::rename(&aside, &root).unwrap();
        let empty = || std::fs::read_dir(&root).unwrap().count() == 0;
        assert!(!empty());
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if empty() {
                return;
            }
        }
        panic!("it is still there");
    }

    #[tokio::test]
    async fn a_scratch_directory_is_private_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(root.path()).unwrap();
        std::fs::write(scratch.tmp().join("left"), "behind").unwrap();
        let mode = std::fs::metadata(scratch.work()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
        scratch.remove().await;
        drop(Scratch::create(root.path()).unwrap());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
