//! The claude-code-proxy program.

mod args;
mod commands;
mod setup;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, ValueEnum};
use policy::config::{self, Flag, Sources};

use args::{Cli, Command, Settings};
use commands::{config as config_command, demo, doctor, health, keys, serve, usage};
use terminal::note;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            note(format_args!("claude-code-proxy: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the command. `false` means that it did its work and the answer is no.
fn run(cli: Cli) -> Result<bool> {
    let sources = sources(&cli.settings)?;
    let loaded = |sources: &Sources| -> Result<config::Loaded> { Ok(config::load(sources)?) };
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let loaded = loaded(&sources)?;
            setup::runtime(loaded.config.server.workers)?.block_on(serve::run(loaded, sources)).map(|()| true)
        }
        Command::Demo(demo) => {
            let config = loaded(&sources)?.config;
            setup::runtime(config.server.workers)?.block_on(demo::run(demo.once, &config)).map(|()| true)
        }
        Command::Doctor(doctor) => {
            let loaded = loaded(&sources)?;
            setup::runtime(1)?.block_on(doctor::run(&loaded, &doctor))
        }
        Command::Health(health) => {
            let config = loaded(&sources)?.config;
            setup::runtime(1)?.block_on(health::run(health.url, &config))
        }
        Command::Keys(command) => {
            let config = loaded(&sources)?.config;
            setup::runtime(1)?.block_on(keys::run(command, &config)).map(|()| true)
        }
        Command::Usage(asked) => {
            let config = loaded(&sources)?.config;
            setup::runtime(1)?.block_on(usage::run(asked, &config)).map(|()| true)
        }
        Command::Config(command) => config_command::run(command, &sources).map(|()| true),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "claude-code-proxy", &mut script);
            terminal::stream(&String::from_utf8_lossy(&script));
            Ok(true)
        }
    }
}

/// Where this process's settings come from. Variables that are not UTF-8 are no settings of ours.
fn sources(settings: &Settings) -> Result<Sources> {
    let flag = |name: &str, key: &str, value: Option<String>| {
        value.map(|value| Flag { name: name.to_owned(), key: key.to_owned(), value })
    };
    let backend =
        settings.backend.and_then(|backend| Some(backend.to_possible_value()?.get_name().to_owned()));
    let flags = [
        flag("--host", "server.host", settings.host.map(|host| host.to_string())),
        flag("--port", "server.port", settings.port.map(|port| port.to_string())),
        flag("--backend", "claude.backend", backend),
        flag("--log-level", "logging.level", settings.log_level.clone()),
    ];
    Ok(Sources {
        flags: flags.into_iter().flatten().collect(),
        env: std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect(),
        file: settings.config.clone(),
        cwd: std::env::current_dir()?,
    })
}
