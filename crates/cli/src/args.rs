//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
Examples:
  claude-code-proxy               serve on port 8000, by login or API key
  claude-code-proxy doctor        check program, login, key, one round trip
  claude-code-proxy demo          try everything without an account
  claude-code-proxy config print  the configuration in force
  claude-code-proxy keys create --name anna --daily-usd 5
  claude-code-proxy usage --by model --since 7d

Settings come from flags, CCP_… variables, config.json and defaults, in this
order; ANTHROPIC_API_KEY and its like count as defaults.";

/// An Anthropic- and OpenAI-compatible API over Claude Code and the Anthropic API.
#[derive(Debug, Parser)]
#[command(name = "claude-code-proxy", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings that flags can override. All of `config.json` can be set by `CCP_<SECTION>__<KEY>` too.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// Configuration file [default: ./config.json, then $XDG_CONFIG_HOME/claude-code-proxy/config.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on [default: 0.0.0.0]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) host: Option<IpAddr>,
    /// Port to listen on; 0 takes a free one [default: 8000]
    #[arg(long, global = true)]
    pub(crate) port: Option<u16>,
    /// What serves [default: anthropic when a key is set, else claude-code]
    #[arg(long, global = true)]
    pub(crate) backend: Option<BackendName>,
    /// Least severe log lines shown: DEBUG, INFO, WARNING or ERROR [default: INFO]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
}

/// A backend, by the name it has in the configuration.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BackendName {
    /// The Messages API over HTTP, with a key.
    Anthropic,
    /// The official claude program, with its own login.
    ClaudeCode,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until told to stop (this is also what happens without a command)
    Serve,
    /// Show both APIs at work on a built-in simulator, through the real claude program
    Demo(Demo),
    /// Check the claude program, login, key and one round trip; exits 1 when something failed
    Doctor(Doctor),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make, list, revoke and rotate keys; a running server sees it within a second
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Report what requests used and cost
    Usage(Usage),
    /// Ask a running server whether it is ready; exits 0 or 1 (for container health checks)
    Health(Health),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Exit after the example requests instead of serving on
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Leave out the round trip: it is a real request and costs a few tokens
    #[arg(long)]
    pub(crate) no_request: bool,
    /// Leave out driving the claude program against a built-in simulator
    #[arg(long)]
    pub(crate) no_drift: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Health {
    /// The server [default: the configured port on this machine]
    #[arg(long)]
    pub(crate) url: Option<String>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report the first mistake in file, environment and flags
    Check,
    /// Print the configuration in force as JSON, secrets hidden
    Print,
    /// Print the JSON Schema of config.json, for editors
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key; it is shown once
    Create(Box<CreateKey>),
    /// List all keys, without what opens them
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a key back
    Revoke {
        /// Its id or name
        key: String,
    },
    /// Make another key in the place of this one; what belongs to it stays its own
    Rotate {
        /// Its id or name
        key: String,
        /// How long the old one works on, like 1h
        #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
        grace: Duration,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateKey {
    /// Shown in logs and usage
    #[arg(long)]
    pub(crate) name: String,
    /// When it ends: an age like 90d, or a time like 2027-01-01T00:00:00Z [default: never]
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// Models that may be asked for, as patterns [default: all]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) models: Vec<String>,
    /// Paths that may be called, as patterns [default: all]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) endpoints: Vec<String>,
    /// Requests per minute [default: those of `rate_limiting`]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) requests_per_minute: Option<u32>,
    /// Requests that may come at once [default: 10]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) burst: Option<u32>,
    /// Tokens per minute
    #[arg(long, value_name = "NUMBER")]
    pub(crate) tokens_per_minute: Option<u32>,
    /// Requests that may run at once
    #[arg(long, value_name = "NUMBER")]
    pub(crate) concurrent: Option<u32>,
    /// US dollars a day
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) daily_usd: Option<f64>,
    /// US dollars a month
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) monthly_usd: Option<f64>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Usage {
    /// By what it is added up
    #[arg(long, value_enum, default_value = "key")]
    pub(crate) by: By,
    /// From when on: a day, a time, or an age like 7d [default: all there is]
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Until when
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Of one key, by its id or name
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// As CSV
    #[arg(long)]
    pub(crate) csv: bool,
}

/// By what a report of usage adds up.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum By {
    /// Whose requests
    Key,
    /// Which model served
    Model,
    /// On which day (UTC)
    Day,
    /// Which backend served
    Backend,
}
