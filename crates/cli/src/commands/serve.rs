//! `serve`: the server itself.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use backends::Backend;
use claude_code::OperatorEnvironment;
use policy::access::Gate;
use policy::config::{self, Config, LogFormat, LogLevel, Sources};
use policy::keys::{ConfiguredKey, GeneratedKey};
use server::logs;
use server::{App, Server, Stores};
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::reload::Reloader;
use crate::setup;
use crate::terminal::note;

/// Serves until SIGINT or SIGTERM; a second one ends the process at once.
pub(crate) async fn run(loaded: config::Loaded, sources: Sources) -> Result<()> {
    let config = &loaded.config;
    start_log(config)?;
    let in_container = setup::in_container();
    let key = own_key(config, in_container)?;
    let generated = key.as_ref().map(GeneratedKey::configured);
    let stores = setup::stores(config)?;
    setup::refuse_issued_keys(config, &stores).await?;
    let environment = OperatorEnvironment::of_this_process();
    let backends = setup::backends(config, &environment, None)?;
    let (server, address) = bind_over(backends.clone(), config, generated, in_container, stores.clone())?;
    banner(config, loaded.path.as_deref(), address, key.as_ref(), in_container);
    for notice in &loaded.notices {
        tracing::warn!("{notice}");
    }
    let names = config.backends.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    tracing::info!(%address, backends = names, version = env!("CARGO_PKG_VERSION"), "listening");
    let stop = stop_signal()?;
    let reloader = Reloader { sources, loaded, backends, live: server.live(), stores, in_container };
    tokio::select! {
        () = server.run(stop) => Ok(()),
        ended = reloader.watch() => ended,
    }
}

/// A server for `config`, bound but not yet serving.
pub(crate) fn bind(
    config: &Config,
    generated: Option<ConfiguredKey>,
    in_container: bool,
    environment: &OperatorEnvironment,
    stores: Stores,
) -> Result<(Server, SocketAddr)> {
    bind_over(setup::backends(config, environment, None)?, config, generated, in_container, stores)
}

fn bind_over(
    backends: Vec<Arc<dyn Backend>>,
    config: &Config,
    generated: Option<ConfiguredKey>,
    in_container: bool,
    stores: Stores,
) -> Result<(Server, SocketAddr)> {
    let gate = Gate::new(config, generated, in_container);
    let wanted = config.server.address();
    let app = App::new(config.clone(), backends, gate, stores);
    let server = Server::bind(app).with_context(|| cannot_listen(wanted))?;
    let address = server.address()?;
    Ok((server, address))
}

fn cannot_listen(address: SocketAddr) -> String {
    format!("cannot listen on {address} (another program may: choose a port with --port or PORT)")
}

/// Where callers need a key and none is configured, this server makes its own.
pub(super) fn own_key(config: &Config, in_container: bool) -> Result<Option<GeneratedKey>> {
    if !config.needs_generated_key(in_container) {
        return Ok(None);
    }
    let dir = &config.data_dir;
    let key = GeneratedKey::load_or_create(dir)
        .with_context(|| format!("no API key can be kept in {}", dir.display()))?;
    Ok(Some(key))
}

fn start_log(config: &Config) -> Result<()> {
    let level = match config.logging.level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let format = match config.logging.format {
        LogFormat::Json => logs::Format::Json,
        LogFormat::Pretty => logs::Format::Pretty,
    };
    logs::start(level, format).context("the log could not be set up")
}

/// What an operator wants to know at start, on standard error so that the log stays clean.
fn banner(
    config: &Config,
    file: Option<&Path>,
    address: SocketAddr,
    key: Option<&GeneratedKey>,
    in_container: bool,
) {
    let url = crate::terminal::local_url(address);
    note(format_args!("Claude Code Proxy {}", env!("CARGO_PKG_VERSION")));
    note(format_args!("  Anthropic API   {url}        (ANTHROPIC_BASE_URL)"));
    note(format_args!("  OpenAI API      {url}/v1     (OPENAI_BASE_URL)"));
    setup::backend_lines(config).iter().for_each(|line| note(format_args!("  backend         {line}")));
    if setup::runs_claude(config) {
        let section = &config.claude_code;
        note(format_args!(
            "  credentials     {}: {}",
            section.credentials.as_str(),
            section.credentials_reason
        ));
        if let Some(folder) = section.working_directory.as_ref().filter(|_| !section.tools.is_empty()) {
            note(format_args!(
                "  built-in tools  {} in {}: whoever may call can use them on this machine",
                section.tools.join(", "),
                folder.display()
            ));
        }
    }
    match file {
        Some(file) => note(format_args!("  configuration   {}", file.display())),
        None => note("  configuration   defaults and environment (no config.json found)"),
    }
    if let Some(key) = key {
        tell_key(key, in_container);
    }
    if config.operator_only() && is_first_start(&config.data_dir) {
        note("");
        note(config::ACCOUNT_NOTICE);
    }
}

/// The key itself at its making, later only where its hash is.
pub(super) fn tell_key(key: &GeneratedKey, in_container: bool) {
    let who = if in_container { "Every caller needs" } else { "Callers from other machines need" };
    note("");
    match &key.plain {
        Some(plain) => {
            note(format_args!("  {who} this key. It is shown only now; its hash is kept:"));
            note(format_args!("    {}", plain.expose()));
        }
        None => {
            let path = key.path.display();
            note(format_args!("  {who} the key shown at first start. Lost? Delete {path} and start again."));
        }
    }
}

/// Whether the notice about accounts has not been shown yet. Where that cannot be remembered, it is shown again.
fn is_first_start(data_dir: &Path) -> bool {
    let marker = data_dir.join("account-notice-shown");
    if marker.exists() {
        return false;
    }
    let private_dir = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    if let Err(error) = private_dir.and_then(|()| std::fs::write(&marker, "")) {
        tracing::debug!(%error, "the notice about accounts will be shown again");
    }
    true
}

/// Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, with the shell's code for it.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let once = Arc::new(tokio::sync::Notify::new());
    let first = Arc::clone(&once);
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        first.notify_one();
        let code = next(&mut interrupt, &mut terminate).await;
        std::process::exit(code);
    });
    Ok(async move { once.notified().await })
}

async fn next(
    interrupt: &mut tokio::signal::unix::Signal,
    terminate: &mut tokio::signal::unix::Signal,
) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}
