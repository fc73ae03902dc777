//! What the operator decides about the program: which one, whose credentials, how long to wait.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::account_windows::AccountWindows;
use crate::agent::BuiltIn;
use crate::env;
use crate::reported_models::ReportedModels;
use crate::transcript;

/// Everything a [`Driver`](crate::Driver) needs to know. Nothing in here ever comes from a request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `claude` program, as [`find_program`](crate::find_program) gives it.
    pub program: PathBuf,
    /// Whose account pays. Exactly this one credential set reaches the program.
    pub credentials: Credentials,
    /// Where the Messages API is, when it is not Anthropic's own (`ANTHROPIC_BASE_URL`).
    pub base_url: Option<String>,
    /// The operator's environment: named variables of the chosen credential set are copied from it, the rest is ignored.
    pub operator_env: OperatorEnvironment,
    /// Variables that the configuration names: proxies and certificate authorities belong here.
    pub extra_env: Vec<(OsString, OsString)>,
    /// `CLAUDE_CONFIG_DIR` of the program; without it the program uses the operator's own `~/.claude`.
    pub config_dir: Option<PathBuf>,
    /// Below it each process gets an empty directory of its own (made with mode 0700).
    pub scratch_root: PathBuf,
    /// From the start of the program until it has answered `initialize` and taken the history.
    pub start_timeout: Duration,
    /// How long the program may say nothing while a turn runs (pings of the API never show).
    pub silence_timeout: Duration,
    /// How long a process may take to end by itself before its group is killed.
    pub hangup_grace: Duration,
    /// The most processes at one time, those that are ending included.
    pub max_processes: usize,
    /// How long a turn may wait for a free place before it is refused as overloaded.
    pub queue_timeout: Duration,
    /// The most turns that may wait for a free place; the next one is refused at once.
    pub max_queued: usize,
    /// How long a process waits for the results of the calls it made; zero: not at all.
    pub hold_time: Duration,
    /// How long a process waits for its conversation to go on; zero: not at all.
    pub idle_time: Duration,
    /// With so many user messages before the last one, a conversation that no process knows is resumed from a transcript
    /// by a new process instead of being told to a spare; with half as many, where there is no spare. Zero: never.
    pub resume_from_turns: usize,
    /// Processes started ahead of the requests.
    pub spares: Spares,
    /// A process that is older is not kept for the next request of its conversation.
    pub process_max_age: Duration,
    /// A process that uses more memory is not kept for the next request of its conversation.
    pub process_max_memory_bytes: Option<u64>,
    /// The program's own tools, where it may use any.
    pub built_in: Option<BuiltIn>,
    /// Where processes note what they hear of the account's windows.
    pub account_windows: AccountWindows,
    /// Where processes note which models the program offers.
    pub reported_models: ReportedModels,
}

impl Settings {
    /// Settings with the usual limits.
    #[must_use]
    pub fn new(
        program: impl Into<PathBuf>,
        credentials: Credentials,
        scratch_root: impl Into<PathBuf>,
    ) -> Self {
        Self {
            program: program.into(),
            credentials,
            base_url: None,
            operator_env: OperatorEnvironment::default(),
            extra_env: Vec::new(),
            config_dir: None,
            scratch_root: scratch_root.into(),
            start_timeout: Duration::from_secs(60),
            silence_timeout: Duration::from_secs(300),
            hangup_grace: Duration::from_secs(2),
            max_processes: 8,
            queue_timeout: Duration::from_secs(30),
            max_queued: 64,
            hold_time: Duration::from_secs(300),
            idle_time: Duration::from_secs(300),
            resume_from_turns: transcript::FROM_TURNS,
            spares: Spares::default(),
            process_max_age: Duration::from_secs(3600),
            process_max_memory_bytes: None,
            built_in: None,
            account_windows: AccountWindows::default(),
            reported_models: ReportedModels::default(),
        }
    }
}

impl Settings {
    /// The variables by which the program knows who pays and what the configuration gives it, as `NAME=…`, their values
    /// hidden.
    #[must_use]
    pub fn shown_environment(&self) -> Vec<String> {
        env::shown(self)
    }

    /// [`resume_from_turns`](Self::resume_from_turns), and never with built-in tools: the command line names the
    /// transcript as it is seen from the scratch directory, and they work elsewhere.
    pub(crate) const fn resumes_from(&self) -> usize {
        if self.built_in.is_some() { 0 } else { self.resume_from_turns }
    }
}

/// How many processes are started ahead of the requests. By default none.
#[derive(Clone, Debug)]
pub struct Spares {
    /// The model that always has `min_idle` spares.
    pub default_model: Option<String>,
    /// The fewest spares of the default model.
    pub min_idle: usize,
    /// The most spares of all models together.
    pub max_idle: usize,
    /// A spare that is older is replaced.
    pub max_age: Duration,
    /// The most memory that all processes together may use. Past that no spare is started, and one by one the spares,
    /// then the processes that wait for their conversation to go on, are given up. A running turn never is.
    pub max_memory_bytes: Option<u64>,
}

impl Default for Spares {
    fn default() -> Self {
        Self {
            default_model: None,
            min_idle: 0,
            max_idle: 0,
            max_age: Duration::from_secs(1800),
            max_memory_bytes: None,
        }
    }
}

/// The credential set that the program is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The operator's own `claude auth login`: nothing is passed but the home directory that holds it.
    Login,
    /// `CLAUDE_CODE_OAUTH_TOKEN`, made by `claude setup-token`.
    OauthToken,
    /// `ANTHROPIC_API_KEY`.
    ApiKey,
    /// Amazon Bedrock (`CLAUDE_CODE_USE_BEDROCK` and the `AWS_…` variables).
    Bedrock,
    /// Google Vertex AI (`CLAUDE_CODE_USE_VERTEX` and Google's variables).
    Vertex,
}

impl Credentials {
    /// The name used in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::OauthToken => "oauth_token",
            Self::ApiKey => "api_key",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
        }
    }

    /// Whether a Claude account (not a metered key) pays.
    #[must_use]
    pub const fn is_claude_account(self) -> bool {
        matches!(self, Self::Login | Self::OauthToken)
    }
}

/// A snapshot of the operator's environment. Never shown: it holds secrets.
#[derive(Clone, Default)]
pub struct OperatorEnvironment(Vec<(OsString, OsString)>);

impl OperatorEnvironment {
    /// The environment of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of one variable; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.0.iter().rev().find(|(key, _)| key == name)?;
        Some(found.1.as_os_str()).filter(|value| !value.is_empty())
    }
}

impl FromIterator<(OsString, OsString)> for OperatorEnvironment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for OperatorEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorEnvironment({} variables)", self.0.len())
    }
}

/// Why a driver can't be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The chosen credential set lacks a variable.
    #[error("claude_code.credentials is {credentials}, which needs {variable} in the environment; {remedy}")]
    MissingCredential {
        /// The configured credential set.
        credentials: &'static str,
        /// The variable that is not set.
        variable: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The configuration names a variable that the driver itself decides.
    #[error("claude_code.env may not set {name}: {reason}")]
    ReservedVariable {
        /// The variable.
        name: String,
        /// Why it is not the configuration's.
        reason: &'static str,
    },
    /// The scratch directory can't be made private.
    #[error("the scratch directory {} can't be used: {reason}", path.display())]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The folder that built-in tools are to work in can't be used.
    #[error("claude_code.working_directory {} can't be used: {reason}", path.display())]
    WorkingDirectory {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A built-in tool's name or a rule is none.
    #[error("claude_code.tools and claude_code.allowed_tools: {name:?} is neither a tool nor a rule")]
    ToolName {
        /// What was given.
        name: String,
    },
    /// A limit is zero where at least one is needed.
    #[error("{name} must be at least 1")]
    ZeroLimit {
        /// The setting.
        name: &'static str,
    },
}
