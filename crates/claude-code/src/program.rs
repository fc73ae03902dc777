//! Finding the `claude` program and holding it to a version.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

/// The oldest version that is driven: older ones expand `@file` and run `/command` found in a prompt.
pub const MINIMUM_VERSION: Version = Version { major: 2, minor: 1, patch: 248 };

/// The version that this crate's tests run against: the one that the project's own install pins.
pub static TESTED_VERSION: LazyLock<Version> = LazyLock::new(|| {
    let package: Option<Package<'_>> = serde_json::from_str(PINNED).ok();
    package.and_then(|package| Version::parse(package.dependencies.claude_code)).unwrap_or(MINIMUM_VERSION)
});

const PINNED: &str = include_str!("../../../tools/claude/package.json");

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    dependencies: Dependencies<'a>,
}

#[derive(Deserialize)]
struct Dependencies<'a> {
    #[serde(rename = "@anthropic-ai/claude-code")]
    claude_code: &'a str,
}

/// Where the project's own pinned install puts the program, below the project's directory.
const OWN_INSTALL: &str = ".tools/claude/node_modules/.bin/claude";

/// A version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Changes when the protocol may.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl Version {
    /// Reads `2.1.330 (Claude Code)`; a suffix of the third number is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.splitn(3, '.');
        let mut next = || {
            let part = numbers.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse().ok()
        };
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }

    /// Refuses a version that can't be driven safely.
    ///
    /// # Errors
    /// [`ProgramError::TooOld`], naming both versions.
    pub fn check(self) -> Result<Self, ProgramError> {
        if self < MINIMUM_VERSION { Err(ProgramError::TooOld { found: self }) } else { Ok(self) }
    }

    /// Whether the protocol may have changed since it was tested.
    #[must_use]
    pub fn is_newer_major(self) -> bool {
        self.major > TESTED_VERSION.major
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why the program can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is nowhere.
    #[error(
        "the claude program was not found ({looked}); install it with `npm install -g @anthropic-ai/claude-code` \
         or name it in claude_code.path"
    )]
    NotFound {
        /// Where it was looked for.
        looked: String,
    },
    /// It does not start or does not answer.
    #[error("{} can't be used: {reason}", program.display())]
    Unusable {
        /// The program.
        program: PathBuf,
        /// What happened.
        reason: String,
    },
    /// It is too old to be driven safely.
    #[error(
        "Claude Code {found} is too old: {MINIMUM_VERSION} or newer is needed, because older ones read files and run \
         commands named in a prompt; update with `claude update`"
    )]
    TooOld {
        /// The version found.
        found: Version,
    },
}

/// Finds the program: the configured path alone, else the search path, else the project's own install below `project`.
///
/// # Errors
/// [`ProgramError::NotFound`], saying where it was looked for.
pub fn find_program(
    configured: Option<&Path>,
    search_path: Option<&OsStr>,
    project: Option<&Path>,
) -> Result<PathBuf, ProgramError> {
    if let Some(path) = configured {
        return if is_program(path) {
            Ok(path.to_path_buf())
        } else {
            Err(ProgramError::NotFound { looked: format!("configured as {}", path.display()) })
        };
    }
    let on_path = search_path.map(std::env::split_paths).into_iter().flatten();
    let named = on_path.filter(|folder| folder.is_absolute()).map(|folder| folder.join("claude"));
    let own = project.map(|folder| folder.join(OWN_INSTALL));
    named
        .chain(own)
        .find(|path| is_program(path))
        .ok_or_else(|| ProgramError::NotFound { looked: format!("on PATH and at {OWN_INSTALL}") })
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(folder: &Path, mode: u32) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join("claude");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn versions_are_read_and_compared_by_number() {
        let version = Version::parse("2.1.330 (Claude Code)\n").unwrap();
        assert_eq!(version, Version { major: 2, minor: 1, patch: 330 });
        assert!(*TESTED_VERSION > MINIMUM_VERSION, "the pinned version was read");
        assert_eq!(Version::parse("2.1.9-beta.1").unwrap().patch, 9);
        assert!(Version::parse("2.1.1000").unwrap() > Version::parse("2.1.999").unwrap());
        for noise in ["", "claude", "2.1", "a.b.c"] {
            assert_eq!(Version::parse(noise), None, "{noise}");
        }
    }

    #[test]
    fn a_program_older_than_the_minimum_is_refused_by_name() {
        let told = Version::parse("2.1.247").unwrap().check().unwrap_err().to_string();
        assert!(
            told.contains("2.1.247") && told.contains("2.1.248") && told.contains("claude update"),
            "{told}"
        );
        assert!(MINIMUM_VERSION.check().is_ok());
        assert!(Version { major: 3, minor: 0, patch: 0 }.is_newer_major());
    }

    #[test]
    fn the_configured_program_wins_then_the_search_path_then_the_own_install() {
        let root = tempfile::tempdir().unwrap();
        let own = program(&root.path().join("project/.tools/claude/node_modules/.bin"), 0o755);
        let on_path = program(&root.path().join("bin"), 0o755);
        let project = root.path().join("project");
        let search = root.path().join("bin");
        let search = Some(search.as_os_str());
        assert_eq!(find_program(Some(&own), search, Some(&project)).unwrap(), own);
        assert_eq!(find_program(None, search, Some(&project)).unwrap(), on_path);
        assert_eq!(find_program(None, Some("/nowhere".as_ref()), Some(&project)).unwrap(), own);
        assert!(find_program(Some(Path::new("/nowhere/claude")), search, Some(&project)).is_err());
    }

    #[test]
    fn a_file_that_can_not_run_or_a_relative_folder_is_no_program() {
        let root = tempfile::tempdir().unwrap();
        program(root.path(), 0o644);
        let told = find_program(None, Some(root.path().as_os_str()), None).unwrap_err().to_string();
        assert!(told.contains("npm install"), "{told}");
        assert!(find_program(None, Some(".".as_ref()), None).is_err());
    }
}
