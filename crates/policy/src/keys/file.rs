//! The key that the server makes for itself when callers beyond this machine can reach it and none is
//! configured. The file holds the hash only: the key is shown once, at creation.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{ConfiguredKey, GenerateError, KeyHash, generate};
use crate::config::Secret;

const FILE_NAME: &str = "generated-key";

/// The key of a server without configured keys.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    /// What callers' keys are compared with.
    pub hash: KeyHash,
    /// The key itself: there only when this call made it. Print it, then drop it.
    pub plain: Option<Secret>,
    /// Where the hash is kept. Deleting the file makes the next start create a new key.
    pub path: PathBuf,
}

/// The key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system said no.
    #[error("{action} {path}: {source}; set `data_dir` (CCP_DATA_DIR) to a directory that can be written")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file holds something else than a hash.
    #[error("{0} holds no key hash; delete it, and the next start makes a new key")]
    Damaged(PathBuf),
    /// No key could be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

impl GeneratedKey {
    /// Reads the key of an earlier start from `data_dir`, or makes one. Of several servers that start
    /// at once in one directory, one makes the key and the others take it.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyFileError> {
        let path = data_dir.join(FILE_NAME);
        if let Some(hash) = read(&path)? {
            return Ok(Self { hash, plain: None, path });
        }
        create_private_dir(data_dir)?;
        let (plain, hash) = generate()?;
        if write_new(&path, hash)? {
            return Ok(Self { hash, plain: Some(plain), path });
        }
        match read(&path)? {
            Some(hash) => Ok(Self { hash, plain: None, path }),
            None => Err(KeyFileError::Damaged(path)),
        }
    }

    /// The key as an entry of a keyring.
    pub fn configured(&self) -> ConfiguredKey {
        ConfiguredKey { name: Some("generated".to_owned()), ..ConfiguredKey::unnamed(self.hash) }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    move |source| KeyFileError::Io { action, path: path.to_owned(), source }
}

fn read(path: &Path) -> Result<Option<KeyHash>, KeyFileError> {
    match fs::read_to_string(path) {
        Ok(text) => text.parse().map(Some).map_err(|_| KeyFileError::Damaged(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyFileError::Damaged(path.to_owned()))
        }
        Err(error) => Err(failed("reading", path)(error)),
    }
}

fn create_private_dir(dir: &Path) -> Result<(), KeyFileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(failed("creating the directory", dir))
}

/// Writes aside and links into place: the file appears whole or not at all, and never replaces another.
/// False when there is one already.
fn write_new(path: &Path, hash: KeyHash) -> Result<bool, KeyFileError> {
    let aside = path.with_extension(format!("{}.new", hash.short()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| writeln!(file, "{hash}").and_then(|()| file.sync_all()));
    let linked = written.and_then(|()| fs::hard_link(&aside, path));
    // Whatever happened, the file aside has done its work; failing to remove it harms nothing.
    let _ = fs::remove_file(&aside);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed("writing", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_is_told_once_and_known_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let first = GeneratedKey::load_or_create(dir.path()).unwrap();
        let again = GeneratedKey::load_or_create(dir.path()).unwrap();
        let plain = first.plain.unwrap();
        assert_eq!(KeyHash::of(plain.expose()), again.hash);
        assert_eq!(again.plain, None);
    }

    #[test]
    fn the_file_holds_the_hash_alone_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data/proxy");
        let key = GeneratedKey::load_or_create(&data_dir).unwrap();
        assert_eq!(fs::read_to_string(&key.path).unwrap(), format!("{}\n", key.hash));
        assert_eq!((mode(&key.path), mode(&data_dir)), (0o600, 0o700));
        assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn of_many_servers_starting_at_once_one_makes_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let start = || GeneratedKey::load_or_create(dir.path()).unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(keys.iter().filter(|key| key.plain.is_some()).count(), 1);
        assert!(keys.iter().all(|key| key.hash == keys[0].hash));
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), "nonsense").unwrap();
        let error = GeneratedKey::load_or_create(dir.path()).unwrap_err().to_string();
        assert!(error.contains("generated-key holds no key hash; delete it"), "{error}");
    }
}
