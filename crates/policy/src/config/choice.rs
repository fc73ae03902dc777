//! Settings that are one of a few words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What carries a request to Claude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The Messages API over HTTP.
    Anthropic,
    /// The `claude` program.
    ClaudeCode,
}

impl Backend {
    /// The word in the configuration and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::ClaudeCode => "claude-code",
        }
    }
}

/// What a named backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// The Messages API over HTTP, with this server's key.
    Anthropic,
    /// The `claude` program.
    ClaudeCode,
    /// The Messages API over HTTP, with the caller's own key.
    Passthrough,
    /// Amazon Bedrock.
    Bedrock,
    /// Google Vertex AI.
    Vertex,
}

impl Kind {
    /// The word in the configuration.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::ClaudeCode => "claude-code",
            Self::Passthrough => "passthrough",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
        }
    }
}

/// The credential set that the `claude` program gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// The login made by `claude auth login`.
    Login,
    /// `CLAUDE_CODE_OAUTH_TOKEN`, from `claude setup-token`.
    OauthToken,
    /// `ANTHROPIC_API_KEY`.
    ApiKey,
    /// Amazon Bedrock, by its own variables.
    Bedrock,
    /// Google Vertex AI, by its own variables.
    Vertex,
}

impl Credentials {
    /// The word in the configuration and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::OauthToken => "oauth_token",
            Self::ApiKey => "api_key",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
        }
    }

    /// Whether this is one person's Claude account, which may serve that person only.
    pub const fn is_account(self) -> bool {
        matches!(self, Self::Login | Self::OauthToken)
    }
}

/// What built-in tools may do without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Read below the working directory.
    Default,
    /// Change files there as well.
    AcceptEdits,
    /// As by default; what would need to be asked is denied.
    DontAsk,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading in a terminal.
    Pretty,
}

/// The least severe messages shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// The way of each request, without its content.
    Debug,
    /// One line a request.
    Info,
    /// What an operator should look at.
    Warning,
    /// What failed.
    Error,
}

impl LogLevel {
    /// What the names are, for messages and the reference.
    pub const NAMES: &'static str = "TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL";

    /// Reads a level by any name that Python's `logging` or Rust's `tracing` has for it, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_uppercase().as_str() {
            "TRACE" | "NOTSET" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARN" | "WARNING" => Self::Warning,
            "ERROR" | "CRITICAL" | "FATAL" => Self::Error,
            _ => return None,
        })
    }

    /// The name that `tracing` knows.
    pub const fn as_tracing(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_levels_take_the_names_of_python_in_any_case() {
        let names = ["debug", "Info", "WARNING", "warn", "Critical", "FATAL", "NOTSET", "ERROR"];
        let levels: Vec<_> =
            names.iter().map(|name| LogLevel::parse(name).map(LogLevel::as_tracing)).collect();
        let expected = ["debug", "info", "warn", "warn", "error", "error", "trace", "error"].map(Some);
        assert_eq!(levels, expected);
        assert_eq!(LogLevel::parse("loud"), None);
    }

    #[test]
    fn only_a_persons_login_counts_as_an_account() {
        use Credentials::{ApiKey, Bedrock, Login, OauthToken, Vertex};
        assert!([Login, OauthToken].iter().all(|c| c.is_account()));
        assert!(![ApiKey, Bedrock, Vertex].iter().any(|c| c.is_account()));
    }
}
