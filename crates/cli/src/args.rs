//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
Examples:
  claude-code-proxy               serve on port 8000, by login or API key
  claude-code-proxy doctor        check program, login, key, one round trip
  claude-code-proxy demo          try everything without an account
  claude-code-proxy config print  the configuration in force

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
