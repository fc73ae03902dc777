//! Values that point elsewhere: secrets by `env:` and `file:`, paths by `~` and by the file's directory.

use std::fs;
use std::path::PathBuf;

use super::Resolver;
use crate::config::{Origin, Secret};

impl Resolver<'_> {
    /// A secret by `env:NAME`, `file:PATH` or as itself. What can't be read is a problem and gives `None`.
    pub(super) fn secret(&mut self, key: &str, typed: &str) -> Option<Secret> {
        if let Some(name) = typed.strip_prefix("env:") {
            let value = self.surroundings.env.get(name).map(|value| value.trim());
            return match value.filter(|value| !value.is_empty()) {
                Some(value) => Some(Secret::new(value)),
                None => {
                    self.problem(key, format!("the environment variable `{name}` is not set"));
                    None
                }
            };
        }
        match typed.strip_prefix("file:") {
            Some(path) => self.secret_file(key, path),
            None => Some(Secret::new(typed)),
        }
    }

    fn secret_file(&mut self, key: &str, path: &str) -> Option<Secret> {
        let path = self.path(key, path);
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{} can't be read: {error}", path.display()));
        match text {
            Ok(text) if text.trim().is_empty() => self.problem(key, format!("{} is empty", path.display())),
            Ok(text) => return Some(Secret::new(text.trim())),
            Err(text) => self.problem(key, text),
        }
        None
    }

    /// A secret that is going to be a header's value.
    pub(super) fn header_secret(&mut self, key: &str, typed: Option<String>) -> Option<Secret> {
        let typed = typed.filter(|typed| !typed.is_empty())?;
        let secret = self.secret(key, &typed)?;
        if secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(secret);
        }
        self.problem(key, "holds blanks or characters that a header can't carry");
        None
    }

    /// A path: `~/` is the home directory, and a relative one starts at the file that names it, else at
    /// the working directory.
    pub(super) fn path(&self, key: &str, typed: &str) -> PathBuf {
        if let Some(rest) = typed.strip_prefix("~/")
            && let Some(home) = self.surroundings.env.get("HOME")
        {
            return PathBuf::from(home).join(rest);
        }
        let base = match (self.origins.of(key), self.surroundings.file_dir) {
            (Origin::File(_), Some(dir)) => dir,
            _ => self.surroundings.cwd,
        };
        base.join(typed)
    }
}
