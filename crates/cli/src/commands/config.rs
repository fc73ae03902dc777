//! `config check|print|schema`.

use anyhow::Result;
use policy::config::{self, Loaded, Sources};

use crate::args::ConfigCommand;
use crate::terminal::{note, say};

/// Runs one of the subcommands; a configuration with mistakes is the error.
pub(crate) fn run(command: ConfigCommand, sources: &Sources) -> Result<()> {
    match command {
        ConfigCommand::Schema => say(config::schema()),
        ConfigCommand::Print => print(&config::load(sources)?)?,
        ConfigCommand::Check => check(&config::load(sources)?),
    }
    Ok(())
}

fn check(loaded: &Loaded) {
    match &loaded.path {
        Some(path) => say(format_args!("ok: {}", path.display())),
        None => say("ok: no configuration file; defaults and environment are in force"),
    }
    for notice in &loaded.notices {
        note(format_args!("note: {notice}"));
    }
}

/// JSON on standard output, so that it can be piped; where values came from on standard error.
fn print(loaded: &Loaded) -> Result<()> {
    say(serde_json::to_string_pretty(&config::redacted(&loaded.config))?);
    for setting in loaded.settings().iter().filter(|setting| setting.origin != config::Origin::Default) {
        note(format_args!("{} from {}", setting.key, setting.origin));
    }
    Ok(())
}
