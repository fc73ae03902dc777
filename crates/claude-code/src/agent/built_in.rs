//! What the operator allows: which tools, where, and how much.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::permissions::Permissions;
use crate::settings::SetupError;

/// The built-in tools of the program and the conditions for them. All of it is the operator's: it is the same for every
/// process, whatever is asked of it.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    /// The tools' names, `Read` or `Bash`; at least one.
    pub tools: Vec<String>,
    /// Where they work: an absolute path of a folder that exists.
    pub working_directory: PathBuf,
    /// What is done without asking.
    pub permission_mode: PermissionMode,
    /// Rules for what is done without asking beyond that, such as `Bash(git log *)`.
    pub allowed: Vec<String>,
    /// The most calls upstream for one answer, those of sub-agents included.
    pub max_turns: u32,
    /// How long a prompt waits for an answer while somebody listens.
    pub permission_timeout: Duration,
    /// Where prompts are told and answered.
    pub permissions: Permissions,
}

/// What the program does without asking. Its mode that asks for nothing at all is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionMode {
    /// Reading below the working directory.
    Default,
    /// Changing files below the working directory as well.
    AcceptEdits,
    /// As by default, and whatever would need to be asked is denied.
    DontAsk,
}

impl PermissionMode {
    /// As the program names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::DontAsk => "dontAsk",
        }
    }
}

impl BuiltIn {
    /// Refuses what the program could not work with, or could take for another argument.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let folder = &self.working_directory;
        let unfit =
            |reason: &str| SetupError::WorkingDirectory { path: folder.clone(), reason: reason.into() };
        if !folder.is_absolute() {
            return Err(unfit("it must be an absolute path"));
        }
        if !Path::is_dir(folder) {
            return Err(unfit("there is no such folder"));
        }
        let plain =
            |name: &&String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let odd = self.tools.iter().find(|name| !plain(name));
        match odd.or_else(|| self.allowed.iter().find(|rule| rule.contains(char::is_control))) {
            Some(name) => Err(SetupError::ToolName { name: name.clone() }),
            None if self.max_turns == 0 => Err(SetupError::ZeroLimit { name: "claude_code.max_turns" }),
            None => Ok(()),
        }
    }
}
