//! Which configuration file is read: the first that is there, and no other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::CONFIG_VARIABLE;
use super::source::Sources;
use super::{ConfigError, Origin, Problem};

const FILE_NAME: &str = "config.json";

/// The file and its text. `--config` and `CCP_CONFIG` name a file that must be there; after them come
/// `./config.json` and `$XDG_CONFIG_HOME/claude-code-proxy/config.json`, which may be missing.
pub(super) fn find(sources: &Sources) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let variable = sources.env.get(CONFIG_VARIABLE).filter(|path| !path.is_empty());
    let named = sources.file.clone().or_else(|| variable.map(PathBuf::from));
    if let Some(path) = named {
        let path = sources.cwd.join(path);
        return match fs::read_to_string(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) => Err(unreadable(&path, &error)),
        };
    }
    let usual = [Some(sources.cwd.join(FILE_NAME)), user_file(sources)];
    for path in usual.into_iter().flatten() {
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(None)
}

fn user_file(sources: &Sources) -> Option<PathBuf> {
    let set = |name: &str| sources.env.get(name).filter(|value| !value.is_empty());
    let config_home = match set("XDG_CONFIG_HOME") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(set("HOME")?).join(".config"),
    };
    Some(config_home.join("claude-code-proxy").join(FILE_NAME))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::one(Problem::new("", Origin::File(path.to_owned()), format!("can't be read: {error}")))
}
