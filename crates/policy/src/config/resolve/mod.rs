//! From what was typed to what it means. Each section has its own file; all share one [`Resolver`], which
//! reads references and paths and gathers what is wrong.

mod auth;
mod backends;
mod clouds;
mod routing;
mod server;
mod tools;
mod upstream;
mod url;
mod usage;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::{self, Raw};
use super::{
    Admin, Cache, Config, ConfigError, Environment, LogLevel, Logging, Metrics, OpenAi, Origin, Origins,
    Problem,
};
use super::{LogFormat, RateLimiting};

/// What values may refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) env: &'a Environment,
    pub(super) cwd: &'a Path,
    /// Paths in the file are relative to it.
    pub(super) file_dir: Option<&'a Path>,
}

/// Gives every key its meaning. Returns the configuration and notices for the operator.
pub(super) fn resolve(
    raw: Raw,
    origins: &mut Origins,
    surroundings: Surroundings<'_>,
) -> Result<(Config, Vec<String>), ConfigError> {
    let mut resolver = Resolver { surroundings, origins, problems: Vec::new(), notices: Vec::new() };
    let config = resolver.config(raw);
    resolver.check_whole(&config);
    let Resolver { problems, notices, .. } = resolver;
    ConfigError::unless_none(problems)?;
    Ok((config, notices))
}

struct Resolver<'a> {
    surroundings: Surroundings<'a>,
    origins: &'a mut Origins,
    problems: Vec<Problem>,
    notices: Vec<String>,
}

impl Resolver<'_> {
    fn config(&mut self, raw: Raw) -> Config {
        let anthropic = self.anthropic(raw.anthropic);
        let claude_code = self.claude_code(raw.claude_code);
        let claude = self.claude(raw.claude, &anthropic, raw.backends.is_some());
        let backends = self.backends(raw.backends, &claude, &anthropic);
        Config {
            server: self.server(raw.server),
            claude,
            anthropic,
            claude_code,
            routing: self.routing(raw.routing, &backends),
            backends,
            openai: self.openai(raw.openai),
            auth: self.auth(raw.auth),
            logging: self.logging(raw.logging),
            rate_limiting: self.rate_limiting(&raw.rate_limiting),
            usage: usage::usage(&raw.usage),
            prices: self.prices(raw.prices),
            cache: self.cache(&raw.cache),
            admin: Admin { token: self.header_secret("admin.token", raw.admin.token) },
            metrics: Metrics { token: self.header_secret("metrics.token", raw.metrics.token) },
            strict: raw.strict.unwrap_or(false),
            data_dir: self.data_dir(raw.data_dir),
        }
    }

    /// Rules between sections.
    fn check_whole(&mut self, config: &Config) {
        self.problems.extend(super::operator::problems(config, self.origins));
        self.check_tools(config);
        self.check_limits(config);
        self.refuse_loops(config);
        self.check_credentials(config);
    }

    fn problem(&mut self, key: &str, text: impl Into<String>) {
        self.problems.push(Problem::new(key, self.origins.of(key), text));
    }

    fn openai(&mut self, raw: raw::OpenAi) -> OpenAi {
        let aliases = raw.aliases.unwrap_or_default();
        for (pattern, model) in &aliases {
            if pattern.is_empty() || model.trim().is_empty() {
                self.problem("openai.aliases", "neither a pattern nor a model may be empty");
            }
        }
        OpenAi {
            aliases: aliases.into_iter().collect(),
            auto_cache: raw.auto_cache.unwrap_or(false),
            plain_user: raw.plain_user.unwrap_or(false),
            max_choices: raw.max_choices.unwrap_or(8).into(),
            store: raw.store.unwrap_or(true),
            store_days: raw.store_days.unwrap_or(30),
            store_max_bytes: raw.store_max_bytes.unwrap_or(1 << 30),
        }
    }

    fn logging(&mut self, raw: raw::Logging) -> Logging {
        let typed = raw.level.unwrap_or_else(|| "INFO".to_owned());
        let level = LogLevel::parse(&typed).unwrap_or_else(|| {
            self.problem("logging.level", format!("expected {}", LogLevel::NAMES));
            LogLevel::Info
        });
        let format = raw.format.unwrap_or(LogFormat::Json);
        Logging { level, format }
    }

    fn rate_limiting(&mut self, raw: &raw::RateLimiting) -> Option<RateLimiting> {
        let Some(requests_per_minute) = raw.requests_per_minute else {
            if raw.burst_size.is_some() {
                let text = "has no effect without `rate_limiting.requests_per_minute`";
                self.problem("rate_limiting.burst_size", text);
            }
            return None;
        };
        let burst_size = raw.burst_size.unwrap_or(requests_per_minute.min(10));
        Some(RateLimiting { requests_per_minute, burst_size })
    }

    fn cache(&mut self, raw: &raw::Cache) -> Option<Cache> {
        let max_bytes = raw.max_bytes.unwrap_or(64 << 20);
        let max_answer_bytes = raw.max_answer_bytes.unwrap_or(1 << 20);
        if max_answer_bytes > max_bytes {
            self.problem("cache.max_answer_bytes", "must not be more than `cache.max_bytes`");
        }
        raw.enabled.unwrap_or(false).then(|| Cache {
            ttl: raw.ttl.map_or(Duration::from_secs(300), Duration::from),
            max_bytes,
            max_answer_bytes,
            tools: raw.tools.unwrap_or(false),
            shared: raw.shared.unwrap_or(false),
        })
    }

    fn data_dir(&mut self, typed: Option<String>) -> PathBuf {
        if let Some(typed) = typed {
            return self.path("data_dir", &typed);
        }
        let set = |name: &str| self.surroundings.env.get(name).filter(|value| !value.is_empty());
        let data_home = match (set("XDG_DATA_HOME"), set("HOME")) {
            (Some(dir), _) => PathBuf::from(dir),
            (None, Some(home)) => Path::new(home).join(".local/share"),
            (None, None) => {
                self.problem("data_dir", "set it (CCP_DATA_DIR): there is neither XDG_DATA_HOME nor HOME");
                PathBuf::new()
            }
        };
        self.origins.set("data_dir", Origin::Derived);
        data_home.join("claude-code-proxy")
    }
}

#[cfg(test)]
#[path = "../resolve_tests.rs"]
mod tests;
