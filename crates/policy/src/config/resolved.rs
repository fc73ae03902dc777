//! The configuration as the program uses it: every value present, checked, and in its own type.
//! Serialising gives the same keys as `config.json`, with secrets as `***` and times in seconds.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::choice::{Backend, Credentials, Kind, LogFormat, LogLevel, PermissionMode};
use super::{Aliases, Secret};
use crate::access::Network;
use crate::keys::ConfiguredKey;
use crate::prices::Price;
use crate::route::Routes;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The listener.
    pub server: Server,
    /// What holds for Claude whichever backend carries the request.
    pub claude: Claude,
    /// The Messages API over HTTP.
    pub anthropic: Anthropic,
    /// The `claude` program.
    pub claude_code: ClaudeCode,
    /// What can serve, by name; never empty.
    pub backends: BTreeMap<String, Upstream>,
    /// Which of them serves which model.
    pub routing: Routing,
    /// The OpenAI dialects.
    pub openai: OpenAi,
    /// Who may call.
    pub auth: Auth,
    /// The log.
    pub logging: Logging,
    /// Requests per caller; `None` means no limit.
    pub rate_limiting: Option<RateLimiting>,
    /// What is kept of each request.
    pub usage: Usage,
    /// Prices that go before the program's own.
    pub prices: BTreeMap<String, Price>,
    /// Answers kept for later; `None` keeps none.
    pub cache: Option<Cache>,
    /// The `/metrics` endpoint.
    pub metrics: Metrics,
    /// What only the operator may do.
    pub admin: Admin,
    /// Refuse request fields that would otherwise be accepted without effect.
    pub strict: bool,
    /// Where the server keeps what must survive a restart.
    pub data_dir: PathBuf,
}

/// The listener and its bounds.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Runtime threads.
    pub workers: usize,
    /// Largest request body.
    pub max_body_bytes: u64,
    /// Connections served at once.
    pub max_connections: usize,
    /// How long a client may take to send a request's head.
    #[serde(serialize_with = "seconds")]
    pub header_timeout: Duration,
    /// How long a connection may stay without a request.
    #[serde(serialize_with = "seconds")]
    pub idle_timeout: Duration,
    /// How long running requests may go on after the server was told to stop.
    #[serde(serialize_with = "seconds")]
    pub drain_timeout: Duration,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Web origins that may call from a browser; `*` means any.
    pub cors_origins: Vec<String>,
    /// Further `Host` names under which this machine is called without a key (lower case, no port).
    pub allowed_hosts: Vec<String>,
}

impl Server {
    /// Address and port to bind.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// What holds for Claude whichever backend carries the request.
#[derive(Clone, Debug, Serialize)]
pub struct Claude {
    /// The kind of the only backend, where `backends` named nothing.
    pub backend: Option<Backend>,
    /// Why this backend was chosen, for the start-up banner.
    #[serde(skip)]
    pub backend_reason: String,
    /// Serves requests that name no model, or `default`.
    pub default_model: String,
    /// `max_tokens` of a request whose dialect does not demand it and that names none.
    pub max_tokens: u32,
    /// Limit for connecting to the upstream and between two pieces of a stream.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    /// Limit until a non-streamed answer begins.
    #[serde(serialize_with = "seconds")]
    pub response_timeout: Duration,
}

/// The Messages API over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anthropic {
    /// Scheme, host and optional path prefix, without a trailing slash.
    pub base_url: String,
    /// Sent as `x-api-key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// Sent as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
}

/// One place that can serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Upstream {
    /// The Messages API with this server's key.
    Anthropic(Anthropic),
    /// The `claude` program, as its own section has it.
    ClaudeCode,
    /// The Messages API with the key of each caller.
    Passthrough {
        /// Scheme, host and optional path prefix, without a trailing slash.
        base_url: String,
    },
    /// Amazon Bedrock.
    Bedrock(Bedrock),
    /// Google Vertex AI.
    Vertex(Vertex),
}

/// Amazon Bedrock. Without credentials here they are found the way AWS's own tools do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bedrock {
    /// `us-east-1`
    pub region: String,
    /// Another address than the region's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// A Bedrock API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<Secret>,
    /// With the next one: requests are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<Secret>,
    /// The secret of the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Secret>,
    /// Of temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
    /// Model id → inference profile or Bedrock id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
}

/// Google Vertex AI. Without credentials here they are the application default credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vertex {
    /// The project that pays, where it is not the credentials' own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// `global`, a multi-region or a region.
    pub region: String,
    /// Another address than the region's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The text of a credentials file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Secret>,
    /// A token that somebody else renews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// Model id → id in Vertex AI.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
}

impl Upstream {
    /// The word for its kind in the configuration.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Anthropic(_) => Kind::Anthropic,
            Self::ClaudeCode => Kind::ClaudeCode,
            Self::Passthrough { .. } => Kind::Passthrough,
            Self::Bedrock(_) => Kind::Bedrock,
            Self::Vertex(_) => Kind::Vertex,
        }
        .as_str()
    }
}

/// Which backend serves which model, and what happens when one can't.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Routing {
    /// Patterns and targets.
    pub routes: Routes,
    /// Targets that one request is given to.
    pub max_attempts: usize,
    /// Limit for all attempts together until an answer begins.
    #[serde(serialize_with = "optional_seconds")]
    pub deadline: Option<Duration>,
    /// The same for one attempt, where another target is left.
    #[serde(serialize_with = "optional_seconds")]
    pub attempt_timeout: Option<Duration>,
    /// Whether a conversation stays with its target.
    pub sticky: bool,
    /// Failures after which a target is left alone.
    pub breaker_failures: usize,
    /// How long a failure counts.
    #[serde(serialize_with = "seconds")]
    pub breaker_window: Duration,
    /// How long a target is left alone.
    #[serde(serialize_with = "seconds")]
    pub breaker_pause: Duration,
}

/// The `claude` program and its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaudeCode {
    /// The program, when it is not to be looked for.
    pub path: Option<PathBuf>,
    /// The one credential set that reaches the program.
    pub credentials: Credentials,
    /// Why this credential set was chosen, for the start-up banner.
    #[serde(skip)]
    pub credentials_reason: String,
    /// The program's own configuration directory, when it is not the usual one.
    pub config_dir: Option<PathBuf>,
    /// Further environment variables of the program.
    pub env: BTreeMap<String, Secret>,
    /// The API that the program itself calls, when it is not Anthropic's.
    pub base_url: Option<String>,
    /// How long the program may say nothing during a turn.
    #[serde(serialize_with = "seconds")]
    pub silence_timeout: Duration,
    /// Programs running at once.
    pub max_processes: usize,
    /// Programs of the default model that are always kept started ahead.
    pub min_idle: usize,
    /// Most programs started ahead.
    pub max_idle: usize,
    /// Age at which an unused program is replaced.
    #[serde(serialize_with = "seconds")]
    pub spare_max_age: Duration,
    /// Most memory of all programs before unused ones are ended.
    pub max_memory_bytes: Option<u64>,
    /// Age at which a program is not kept between two requests.
    #[serde(serialize_with = "seconds")]
    pub process_max_age: Duration,
    /// Size at which a program is not kept between two requests.
    pub process_max_memory_bytes: u64,
    /// How long a program waits for the results of its tool calls.
    #[serde(serialize_with = "seconds")]
    pub hold_time: Duration,
    /// How long a program waits for its conversation's next message.
    #[serde(serialize_with = "seconds")]
    pub idle_time: Duration,
    /// From how many user messages on a conversation is resumed from a file.
    pub resume_from_turns: usize,
    /// How long a request waits for one of them.
    #[serde(serialize_with = "seconds")]
    pub queue_timeout: Duration,
    /// How long the program may take until it is ready.
    #[serde(serialize_with = "seconds")]
    pub start_timeout: Duration,
    /// Built-in tools that the program may use; by default none.
    pub tools: Vec<String>,
    /// Where they work; always there when there are tools.
    pub working_directory: Option<PathBuf>,
    /// What they may do without asking.
    pub permission_mode: PermissionMode,
    /// Rules for what they may do without asking beyond that.
    pub allowed_tools: Vec<String>,
    /// How long a permission prompt waits for its answer.
    #[serde(serialize_with = "seconds")]
    pub permission_timeout: Duration,
    /// Most calls upstream for one answer.
    pub max_turns: u32,
}

/// The OpenAI dialects.
#[derive(Clone, Debug, Serialize)]
pub struct OpenAi {
    /// Model names that stand for a Claude model.
    pub aliases: Aliases,
    /// Whether requests without marks for the prompt cache ask the API to cache by itself.
    pub auto_cache: bool,
    /// Whether `user` goes upstream as it is, not as its SHA-256.
    pub plain_user: bool,
    /// Most answers that one request may ask for.
    pub max_choices: usize,
    /// Keep responses.
    pub store: bool,
    /// Days after which a kept response is forgotten.
    pub store_days: u16,
    /// Most that all kept responses may take on disk.
    pub store_max_bytes: u64,
}

/// Who may call.
#[derive(Clone, Debug, Serialize)]
pub struct Auth {
    /// Keys of which a caller must show one.
    pub api_keys: Vec<ConfiguredKey>,
    /// Serve anyone who can reach the port.
    pub open: bool,
}

/// The log.
#[derive(Clone, Debug, Serialize)]
pub struct Logging {
    /// The least severe messages shown.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// Requests per caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimiting {
    /// The lasting rate.
    pub requests_per_minute: u32,
    /// How many may come at once.
    pub burst_size: u32,
}

/// What is kept of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Whether anything is.
    pub enabled: bool,
    /// Days after which a row is forgotten.
    pub retention_days: u16,
}

/// Answers kept for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// How long an answer is kept.
    #[serde(serialize_with = "seconds")]
    pub ttl: Duration,
    /// Most memory that all of them may take.
    pub max_bytes: u64,
    /// The longest that is kept.
    pub max_answer_bytes: u64,
    /// Also those of requests that declare tools.
    pub tools: bool,
    /// One key's answers are for all.
    pub shared: bool,
}

/// What only the operator may do.
#[derive(Clone, Debug, Serialize)]
pub struct Admin {
    /// The token for it; without one nobody may.
    pub token: Option<Secret>,
}

/// The `/metrics` endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// A token of its own for the scraper.
    pub token: Option<Secret>,
}

/// Whole seconds as an integer, so that a shown configuration looks as it was typed.
fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    if duration.subsec_nanos() == 0 {
        serializer.serialize_u64(duration.as_secs())
    } else {
        serializer.serialize_f64(duration.as_secs_f64())
    }
}

fn optional_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => seconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}
