//! Log output: one JSON object or one readable line per event, on standard output.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

/// Crates of this project; others speak only to warn.
const OURS: [&str; 8] =
    ["access", "backends", "claude_code", "claude_code_proxy", "dialects", "policy", "server", "wire"];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For eyes: short, coloured on a terminal unless `NO_COLOR` is set.
    Pretty,
}

/// Sends this process's log to standard output.
///
/// # Errors
/// When a log is set up already.
pub fn start(level: LevelFilter, format: Format) -> Result<(), TryInitError> {
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_targets(OURS.map(|name| (name, level)));
    let colour =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let layer = match format {
        Format::Json => {
            fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        Format::Pretty => fmt::layer().compact().with_ansi(colour).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
}
