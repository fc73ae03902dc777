//! From a configuration to the parts that serve it. The only place that reads this process's environment.

mod clouds;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use backends::{Anthropic, AnthropicSettings, Backend, Bedrock, ClaudeCode, Credential, Timeouts, Vertex};
use claude_code::{BuiltIn, Credentials, Driver, OperatorEnvironment, PermissionMode, Permissions, Spares};
use policy::config::{self, Config, Upstream};
use server::Stores;
use store::{
    KeyStore, ResponseStore, Sqlite, SqliteKeys, SqliteUsage, Unavailable, UsageLedger, UsageSettings,
};

/// A store that takes longer is treated as one that fails.
pub(crate) const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// Backends that serve already, and the configuration they were made by.
#[derive(Clone, Copy)]
pub(crate) struct Earlier<'a> {
    pub(crate) config: &'a Config,
    pub(crate) backends: &'a [Arc<dyn Backend>],
}

impl Earlier<'_> {
    /// The backend of this name, if this configuration would make the same.
    fn same(&self, name: &str, config: &Config) -> Option<Arc<dyn Backend>> {
        let (old, new) = (self.config, config);
        let upstream = new.backends.get(name).filter(|upstream| old.backends.get(name) == Some(upstream))?;
        let is_same = match upstream {
            Upstream::ClaudeCode => {
                old.claude_code == new.claude_code && old.claude.default_model == new.claude.default_model
            }
            _ => timeouts(old) == timeouts(new),
        };
        let found = self.backends.iter().find(|backend| backend.name() == name).filter(|_| is_same);
        found.cloned()
    }
}

/// The backends that the configuration names; those that serve already stay where nothing of theirs has changed. Must be
/// called within a tokio runtime.
pub(crate) fn backends(
    config: &Config,
    environment: &OperatorEnvironment,
    earlier: Option<Earlier<'_>>,
) -> Result<Vec<Arc<dyn Backend>>> {
    let made = config.backends.iter().map(|(name, upstream)| {
        if let Some(same) = earlier.and_then(|earlier| earlier.same(name, config)) {
            return Ok(same);
        }
        backend(name, upstream, config, environment).with_context(|| format!("backend `{name}`"))
    });
    made.collect()
}

fn backend(
    name: &str,
    upstream: &Upstream,
    config: &Config,
    environment: &OperatorEnvironment,
) -> Result<Arc<dyn Backend>> {
    Ok(match upstream {
        Upstream::Anthropic(section) => {
            Arc::new(messages_api(name, &section.base_url, credential(section)?, config)?)
        }
        Upstream::Passthrough { base_url } => {
            Arc::new(messages_api(name, base_url, Credential::Callers, config)?)
        }
        Upstream::Bedrock(section) => Arc::new(Bedrock::new(&clouds::bedrock(name, section, config))?),
        Upstream::Vertex(section) => Arc::new(Vertex::new(&clouds::vertex(name, section, config))?),
        Upstream::ClaudeCode => {
            let settings = driver_settings(config, environment)?;
            let credentials = settings.credentials;
            Arc::new(ClaudeCode::new(name.to_owned(), Driver::new(settings)?, credentials))
        }
    })
}

/// What an operator is told of each backend: its name, and why it is there or what it is.
pub(crate) fn backend_lines(config: &Config) -> Vec<String> {
    let lines = config.backends.iter().map(|(name, upstream)| match (config.claude.backend, upstream) {
        (Some(_), _) => format!("{name}: {}", config.claude.backend_reason),
        (None, Upstream::Anthropic(section)) => format!("{name}: {}, {}", upstream.kind(), section.base_url),
        (None, Upstream::Passthrough { base_url }) => {
            format!("{name}: {}, {base_url}, with each caller's own key", upstream.kind())
        }
        (None, Upstream::Bedrock(section)) => format!("{name}: {}, {}", upstream.kind(), section.region),
        (None, Upstream::Vertex(section)) => format!("{name}: {}, {}", upstream.kind(), section.region),
        (None, Upstream::ClaudeCode) => format!("{name}: {}", upstream.kind()),
    });
    lines.collect()
}

/// Whether the `claude` program is among the backends.
pub(crate) fn runs_claude(config: &Config) -> bool {
    config.backends.values().any(|upstream| *upstream == Upstream::ClaudeCode)
}

/// What survives a request, and where.
pub(crate) fn stores(config: &Config) -> Result<Stores> {
    Ok(Stores { responses: responses(config), usage: usage(config), keys: keys(config)? })
}

/// The ledger of usage. One that can't be opened does not keep requests from being served.
fn usage(config: &Config) -> Option<Arc<dyn UsageLedger>> {
    if !config.usage.enabled {
        return None;
    }
    match SqliteUsage::open(&usage_settings(config)) {
        Ok(ledger) => Some(Arc::new(ledger)),
        Err(error) => {
            tracing::error!(%error, "usage can't be kept: budgets begin anew with each start");
            None
        }
    }
}

pub(crate) fn usage_settings(config: &Config) -> UsageSettings {
    let retention_days = config.usage.retention_days;
    UsageSettings { dir: config.data_dir.clone(), retention_days, patience: STORE_PATIENCE }
}

/// The keys that were issued. Where there are some that can't be read, nothing may be served: without them callers would
/// be let in who must not.
fn keys(config: &Config) -> Result<Option<Arc<dyn KeyStore>>> {
    match SqliteKeys::open(&config.data_dir, STORE_PATIENCE) {
        Ok(keys) => Ok(Some(Arc::new(keys))),
        Err(error) if config.data_dir.join("keys.sqlite").exists() => {
            Err(error).context("the keys that were issued can't be read")
        }
        Err(error) => {
            tracing::warn!(%error, "keys can't be issued");
            Ok(None)
        }
    }
}

/// Where a Claude login serves, keys that were issued before stop the start.
pub(crate) async fn refuse_issued_keys(config: &Config, stores: &Stores) -> Result<()> {
    let (Some(reason), Some(keys)) = (config::issued_keys_refused(config), &stores.keys) else {
        return Ok(());
    };
    let live = keys.list().await?.into_iter().find(|key| server::issued::state(key) == "live");
    match live {
        Some(key) => anyhow::bail!("{reason}. Revoke them: `claude-code-proxy keys revoke {}`", key.id),
        None => Ok(()),
    }
}

/// Where responses are kept, if they are. A store that can't be opened does not keep the rest from being served.
pub(crate) fn responses(config: &Config) -> Option<Arc<dyn ResponseStore>> {
    if !config.openai.store {
        return None;
    }
    let settings = store::Settings {
        dir: config.data_dir.clone(),
        max_bytes: config.openai.store_max_bytes,
        patience: STORE_PATIENCE,
    };
    Some(match Sqlite::open(&settings) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            tracing::error!(%error, "responses can't be kept: answers are given as with `store: false`");
            Arc::new(Unavailable::new(error.to_string()))
        }
    })
}

fn messages_api(name: &str, base_url: &str, credential: Credential, config: &Config) -> Result<Anthropic> {
    let (name, base_url) = (name.to_owned(), base_url.to_owned());
    Ok(Anthropic::new(&AnthropicSettings { name, base_url, credential, timeouts: timeouts(config) })?)
}

fn timeouts(config: &Config) -> Timeouts {
    Timeouts { quiet: config.claude.timeout, response: config.claude.response_timeout }
}

fn credential(section: &config::Anthropic) -> Result<Credential> {
    match (&section.api_key, &section.auth_token) {
        (Some(key), _) => Ok(Credential::ApiKey(key.expose().to_owned())),
        (None, Some(token)) => Ok(Credential::Bearer(token.expose().to_owned())),
        (None, None) => anyhow::bail!(
            "it needs a key: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, or `anthropic.api_key` in config.json"
        ),
    }
}

/// What the driver of the `claude` program has to know.
pub(crate) fn driver_settings(
    config: &Config,
    environment: &OperatorEnvironment,
) -> Result<claude_code::Settings> {
    let section = &config.claude_code;
    let program = find_claude(section.path.as_deref(), environment)?;
    let mut settings = claude_code::Settings::new(
        program,
        credentials(section.credentials),
        claude_code::scratch_root(environment),
    );
    settings.base_url.clone_from(&section.base_url);
    settings.operator_env = environment.clone();
    settings.extra_env =
        section.env.iter().map(|(name, value)| (name.into(), value.expose().to_owned().into())).collect();
    settings.config_dir.clone_from(&section.config_dir);
    settings.start_timeout = section.start_timeout;
    settings.silence_timeout = section.silence_timeout;
    settings.max_processes = section.max_processes;
    settings.spares = spares(config);
    settings.process_max_age = section.process_max_age;
    settings.process_max_memory_bytes = Some(section.process_max_memory_bytes);
    settings.hold_time = section.hold_time;
    settings.idle_time = section.idle_time;
    settings.resume_from_turns = section.resume_from_turns;
    settings.queue_timeout = section.queue_timeout;
    settings.built_in = built_in(section);
    Ok(settings)
}

/// The built-in tools, where any are configured.
fn built_in(section: &config::ClaudeCode) -> Option<BuiltIn> {
    let working_directory = section.working_directory.clone().filter(|_| !section.tools.is_empty())?;
    Some(BuiltIn {
        tools: section.tools.clone(),
        working_directory,
        permission_mode: match section.permission_mode {
            config::PermissionMode::Default => PermissionMode::Default,
            config::PermissionMode::AcceptEdits => PermissionMode::AcceptEdits,
            config::PermissionMode::DontAsk => PermissionMode::DontAsk,
        },
        allowed: section.allowed_tools.clone(),
        max_turns: section.max_turns,
        permission_timeout: section.permission_timeout,
        permissions: Permissions::default(),
    })
}

fn spares(config: &Config) -> Spares {
    let section = &config.claude_code;
    Spares {
        default_model: Some(dialects::models::resolve(&config.claude.default_model).into_owned()),
        min_idle: section.min_idle,
        max_idle: section.max_idle,
        max_age: section.spare_max_age,
        max_memory_bytes: section.max_memory_bytes,
    }
}

/// The program: as configured, on PATH, or in this project's own install beside the binary's build.
pub(crate) fn find_claude(configured: Option<&Path>, environment: &OperatorEnvironment) -> Result<PathBuf> {
    Ok(claude_code::find_program(configured, environment.get("PATH"), project_dir().as_deref())?)
}

/// The checkout this binary was built in, if it still is there: `<project>/target/<profile>/<binary>`.
fn project_dir() -> Option<PathBuf> {
    let binary = std::env::current_exe().ok()?;
    let project = binary.ancestors().nth(3)?;
    project.join("Cargo.toml").is_file().then(|| project.to_owned())
}

const fn credentials(configured: config::Credentials) -> Credentials {
    match configured {
        config::Credentials::Login => Credentials::Login,
        config::Credentials::OauthToken => Credentials::OauthToken,
        config::Credentials::ApiKey => Credentials::ApiKey,
        config::Credentials::Bedrock => Credentials::Bedrock,
        config::Credentials::Vertex => Credentials::Vertex,
    }
}

/// Whether this process runs in a container: there, everybody is a stranger.
pub(crate) fn in_container() -> bool {
    let marked =
        std::env::var_os("container").is_some() || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    marked || Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists()
}

/// A tokio runtime with as many threads as configured.
pub(crate) fn runtime(workers: usize) -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .context("the runtime could not be started")
}
