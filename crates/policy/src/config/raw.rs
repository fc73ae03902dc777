//! The configuration as typed: every key optional. The doc comments here are the reference that users
//! read (`docs/configuration.md`, `config schema`), so they say what a key does, not how.
//! `x-default` describes a default that depends on the machine; `x-secret` keeps a value out of messages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::choice::{Backend, Credentials, Kind, LogFormat, PermissionMode};
use super::seconds::{PositiveSeconds, Seconds};
use crate::keys::Terms;
use crate::prices::Price;

/// Configuration of claude-code-proxy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    /// The listener.
    pub(super) server: Server,
    /// What holds for Claude whichever backend carries the request.
    pub(super) claude: Claude,
    /// The Messages API over HTTP (backend `anthropic`).
    pub(super) anthropic: Anthropic,
    /// The `claude` program (backend `claude-code`).
    pub(super) claude_code: ClaudeCode,
    /// Any number of places that can serve, by name: `{"main": {"kind": "anthropic", "api_key": "env:KEY"}}`. Names
    /// are in logs, metrics and the header `x-backend`. Which serves what is in `routing.routes`.
    #[schemars(extend("x-default" = "one, by `claude.backend` and the section of its kind"))]
    pub(super) backends: Option<BTreeMap<String, NamedBackend>>,
    /// Which backend serves which model, and what happens when one can't.
    pub(super) routing: Routing,
    /// The OpenAI dialects.
    pub(super) openai: OpenAi,
    /// Who may call.
    pub(super) auth: Auth,
    /// The log.
    pub(super) logging: Logging,
    /// Requests per caller: per key, or per address where there is none. No limit without this section.
    pub(super) rate_limiting: RateLimiting,
    /// What each request used and cost is kept, see `docs/usage.md`.
    pub(super) usage: Usage,
    /// Prices by pattern of the model's name, in US dollars per million tokens, like `{"claude-opus-*": {"input": 4,
    /// "output": 20}}`. They go before the program's own table. `*` stands for any text; the most specific pattern wins.
    #[schemars(extend("x-default" = "none but the program's own table"))]
    pub(super) prices: Option<BTreeMap<String, Price>>,
    /// Answers kept for the next request that is exactly the same. Off unless `cache.enabled` is set.
    pub(super) cache: Cache,
    /// The `/metrics` endpoint.
    pub(super) metrics: Metrics,
    /// What only the operator may do.
    pub(super) admin: Admin,
    /// Answer 400 to request fields that would be accepted without effect, instead of naming them in
    /// `x-ignored-parameters`. A request asks for the same by the header `x-strict: true`.
    pub(super) strict: Option<bool>,
    /// Where the server keeps what must survive a restart: the hash of a generated key, and kept responses.
    #[schemars(extend("x-default" = "`$XDG_DATA_HOME/claude-code-proxy`, else `~/.local/share/claude-code-proxy`"))]
    pub(super) data_dir: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    /// IP address to listen on, or `localhost`. The default listens on all addresses; callers from
    /// other machines need a key all the same.
    #[schemars(extend("x-env" = "HOST"))]
    pub(super) host: Option<String>,
    /// Port to listen on. 0 lets the system choose one.
    #[schemars(extend("x-env" = "PORT"))]
    pub(super) port: Option<u16>,
    /// Threads that serve requests.
    #[schemars(range(min = 1, max = 1024), extend("x-default" = "one per CPU core"))]
    pub(super) workers: Option<u16>,
    /// Largest request body; a larger one gets 413.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub(super) max_body_bytes: Option<u64>,
    /// Connections served at once; further ones wait to be accepted.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) max_connections: Option<u32>,
    /// How long a client may take to send a request's headers.
    pub(super) header_timeout: Option<PositiveSeconds>,
    /// How long a kept-alive connection may stay without a request.
    pub(super) idle_timeout: Option<PositiveSeconds>,
    /// How long running requests may go on after SIGTERM or SIGINT. What is then left ends with an error.
    pub(super) drain_timeout: Option<Seconds>,
    /// Address ranges of reverse proxies whose `X-Forwarded-For` is believed, like `["10.0.0.0/8"]`.
    pub(super) trusted_proxies: Option<Vec<String>>,
    /// Web origins that may call from a browser, like `["https://app.example"]`. `["*"]` lets any page
    /// call that has a key.
    pub(super) cors_origins: Option<Vec<String>>,
    /// Further host names of this machine by which callers on it may reach the server without a key.
    pub(super) allowed_hosts: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Claude {
    /// What carries requests to Claude, where `backends` names nothing.
    #[schemars(extend("x-default" = "`anthropic` when one of its keys is set, else `claude-code`"))]
    pub(super) backend: Option<Backend>,
    /// Model of a request that names none, or `default`.
    pub(super) default_model: Option<String>,
    /// `max_tokens` of an OpenAI request that names no limit.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(super) max_tokens: Option<u32>,
    /// Limit for connecting to the upstream, and between two pieces of a stream.
    pub(super) timeout: Option<PositiveSeconds>,
    /// Limit until an answer that is not streamed begins.
    pub(super) response_timeout: Option<PositiveSeconds>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Anthropic {
    /// Address of the Messages API.
    #[schemars(extend("x-default-env" = "ANTHROPIC_BASE_URL"))]
    pub(super) base_url: Option<String>,
    /// API key, sent as `x-api-key`: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true, "x-default-env" = "ANTHROPIC_API_KEY"))]
    pub(super) api_key: Option<String>,
    /// Token, sent as `Authorization: Bearer`: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true, "x-default-env" = "ANTHROPIC_AUTH_TOKEN"))]
    pub(super) auth_token: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClaudeCode {
    /// The `claude` program.
    #[schemars(extend("x-default" = "found on `PATH`, else the project's own pinned install"))]
    pub(super) path: Option<String>,
    /// The one credential set that the program gets.
    #[schemars(extend("x-default" = "by the environment: `oauth_token` with `CLAUDE_CODE_OAUTH_TOKEN`, \
        `api_key` with `ANTHROPIC_API_KEY`, `bedrock` with `CLAUDE_CODE_USE_BEDROCK`, `vertex` with \
        `CLAUDE_CODE_USE_VERTEX`, else `login`"))]
    pub(super) credentials: Option<Credentials>,
    /// The program's own configuration directory (its `CLAUDE_CONFIG_DIR`), where its login is.
    #[schemars(extend("x-default" = "the program's own"))]
    pub(super) config_dir: Option<String>,
    /// Further environment variables of the program, such as `AWS_REGION` or `HTTPS_PROXY`. A value is
    /// itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true))]
    pub(super) env: Option<BTreeMap<String, String>>,
    /// Address of the Messages API that the program calls.
    #[schemars(extend("x-default" = "the program's own"))]
    pub(super) base_url: Option<String>,
    /// How long the program may say nothing during a turn.
    pub(super) silence_timeout: Option<PositiveSeconds>,
    /// Programs running at once. Each takes some hundred MB of memory; further requests wait.
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) max_processes: Option<u32>,
    /// Programs of the default model kept started ahead of the requests. A started program answers some 0.4
    /// seconds sooner; each takes some hundred MB of memory. 0 keeps none before somebody asks.
    #[schemars(range(min = 0, max = 10_000))]
    pub(super) min_idle: Option<u32>,
    /// Most programs started ahead, of all models. Up to this limit there are as many of a model as were
    /// asked for at about the same time lately. They count towards `max_processes`, but give way to requests.
    /// 0 starts each program when it is needed.
    #[schemars(range(min = 0, max = 10_000))]
    pub(super) max_idle: Option<u32>,
    /// Age at which a program that was started ahead and not used is replaced.
    pub(super) spare_max_age: Option<PositiveSeconds>,
    /// Most memory that all programs may use together. Past it none is started ahead, and one by one those
    /// are ended that no request uses. On Linux their proportional share (PSS) counts, elsewhere their
    /// resident size.
    #[schemars(range(min = 1_048_576), extend("x-default" = "no limit"))]
    pub(super) max_memory_bytes: Option<u64>,
    /// Age at which a program is not kept for its conversation's next request.
    pub(super) process_max_age: Option<PositiveSeconds>,
    /// Resident size at which a program is not kept for its conversation's next request.
    #[schemars(range(min = 1_048_576))]
    pub(super) process_max_memory_bytes: Option<u64>,
    /// How long a program waits for the results of the tool calls it made. It goes on with them at once; later
    /// the whole conversation is told to another one. 0 waits not at all.
    pub(super) hold_time: Option<Seconds>,
    /// How long a program that has answered waits for its conversation's next message. 0 waits not at all.
    /// Programs that wait count towards `max_processes`, but give way to other requests, the oldest first.
    pub(super) idle_time: Option<Seconds>,
    /// A conversation that no program has heard is told to a program that was started ahead, user message by user
    /// message. With this many before the last, it is written to a file that a new program starts with, which is
    /// then quicker; where none was started ahead, with half as many. 0 writes none.
    #[schemars(range(min = 0, max = 100_000))]
    pub(super) resume_from_turns: Option<u32>,
    /// How long a request waits for one of them before it gets 529.
    pub(super) queue_timeout: Option<Seconds>,
    /// How long the program may take until it is ready.
    pub(super) start_timeout: Option<PositiveSeconds>,
    /// Built-in tools that the program may use, like `["Read", "Grep", "Bash"]`: an agent behind the API (see
    /// `docs/agent.md`). Whoever may call can then make them work on this machine, with the server's rights. Known are
    /// Agent, Bash, Edit, Glob, Grep, NotebookEdit, Read, WebFetch, WebSearch and Write.
    #[schemars(extend("x-default" = "none: the model can only answer and call its caller's tools"))]
    pub(super) tools: Option<Vec<String>>,
    /// Folder in which built-in tools work. Needed with `tools`.
    pub(super) working_directory: Option<String>,
    /// What built-in tools may do without asking: read below the working directory; `acceptEdits` also changes files
    /// there; `dontAsk` denies the rest without asking anybody.
    pub(super) permission_mode: Option<PermissionMode>,
    /// Rules for what built-in tools may do without asking beyond that, like `["Bash(git log *)"]`.
    pub(super) allowed_tools: Option<Vec<String>>,
    /// How long a permission prompt waits for an answer while somebody listens at `/v1/claude-code/permissions`.
    /// With nobody there it is denied at once.
    pub(super) permission_timeout: Option<PositiveSeconds>,
    /// Most calls upstream for one answer that uses built-in tools.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) max_turns: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedBackend {
    /// What it is: `anthropic` is the Messages API or a gateway to it, with a key; `claude-code` the program of the
    /// section `claude_code`, at most once; `passthrough` the Messages API with each caller's own key; `bedrock` Amazon
    /// Bedrock; `vertex` Google Vertex AI.
    pub(super) kind: Kind,
    /// Address of the API (all but `claude-code`). By default Anthropic's, or that of the cloud's region.
    pub(super) base_url: Option<String>,
    /// API key (`anthropic`), sent as `x-api-key`: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true))]
    pub(super) api_key: Option<String>,
    /// Token in place of a key (`anthropic`), sent as `Authorization: Bearer`: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true))]
    pub(super) auth_token: Option<String>,
    /// Region of the cloud, like `us-east-1` (`bedrock`; by default `AWS_REGION`) or `us-east5` (`vertex`; by default
    /// `global`).
    pub(super) region: Option<String>,
    /// Names of models for the cloud where the usual ones do not fit, like an inference profile:
    /// `{"claude-sonnet-5": "us.anthropic.claude-sonnet-5-v1:0"}` (`bedrock`, `vertex`).
    pub(super) models: Option<BTreeMap<String, String>>,
    /// Bedrock API key: itself, `env:NAME` or `file:PATH`. Without any credentials here they are looked for as AWS's own
    /// tools do: in the environment, in the profile, from the container or the machine.
    #[schemars(extend("x-secret" = true))]
    pub(super) bearer_token: Option<String>,
    /// Id of an AWS access key, with which requests are signed (`bedrock`).
    #[schemars(extend("x-secret" = true))]
    pub(super) access_key_id: Option<String>,
    /// Its secret: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true))]
    pub(super) secret_access_key: Option<String>,
    /// Session token of temporary AWS credentials.
    #[schemars(extend("x-secret" = true))]
    pub(super) session_token: Option<String>,
    /// Google Cloud project (`vertex`). By default that of the credentials, or `GOOGLE_CLOUD_PROJECT`.
    pub(super) project: Option<String>,
    /// Credentials of Google Cloud (`vertex`), mostly `file:service-account.json`. Without these and `access_token` they are
    /// the application default credentials.
    #[schemars(extend("x-secret" = true))]
    pub(super) credentials: Option<String>,
    /// Access token of Google Cloud (`vertex`), which somebody else renews: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true))]
    pub(super) access_token: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Routing {
    /// Models and their targets, like `[{"models": ["claude-opus-*"], "targets": ["main", "spare"]}]`. `*` stands for any
    /// text, `?` for one character; the most specific pattern wins. A target is a backend's name or
    /// `{"backend": …, "weight": …, "model": …}`. Targets with a `weight` share the conversations in that proportion;
    /// those without serve when these can't, in their order. Without any weight the first one serves.
    #[schemars(extend("x-default" = "everything to the only backend; needed with several"))]
    pub(super) routes: Option<Vec<Route>>,
    /// Targets that one request is given to before its caller gets an error. Each is asked once at most.
    #[schemars(range(min = 1, max = 100))]
    pub(super) max_attempts: Option<u32>,
    /// Limit for all attempts together until an answer begins.
    #[schemars(extend("x-default" = "none; no attempt is begun after `claude.response_timeout`"))]
    pub(super) deadline: Option<PositiveSeconds>,
    /// Limit for one attempt until its answer begins, where another target is left.
    #[schemars(extend("x-default" = "none but `claude.timeout` and `claude.response_timeout`"))]
    pub(super) attempt_timeout: Option<PositiveSeconds>,
    /// Let a conversation stay with one target, whose prompt cache and thinking signatures then hold. `false` draws
    /// anew for each request.
    pub(super) sticky: Option<bool>,
    /// A target is left alone when so many of twice as many latest requests to it failed within `breaker_window`.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) breaker_failures: Option<u32>,
    /// How long a failure counts.
    pub(super) breaker_window: Option<PositiveSeconds>,
    /// How long a target is left alone before one request tries it.
    pub(super) breaker_pause: Option<PositiveSeconds>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// Patterns of model names.
    pub(super) models: Vec<String>,
    /// Backends.
    pub(super) targets: Vec<TargetEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum TargetEntry {
    Name(String),
    Full(Target),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// The backend's name.
    pub(super) backend: String,
    /// Its share beside the other weights of the route.
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) weight: Option<u32>,
    /// The model that it is asked for instead of the request's own.
    pub(super) model: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenAi {
    /// Model names that stand for a Claude model, like `{"gpt-4o*": "claude-sonnet-5-5"}`. `*` stands
    /// for any text, `?` for one character; the most specific pattern wins.
    pub(super) aliases: Option<BTreeMap<String, String>>,
    /// Let the API cache by itself what requests have in common (its top-level `cache_control`), for requests
    /// without marks of their own. Claude Code does so anyway.
    pub(super) auto_cache: Option<bool>,
    /// Tell Anthropic a request's `user` as it is, instead of its SHA-256.
    pub(super) plain_user: Option<bool>,
    /// Most answers that one request may ask for (`n`; for completions, times the prompts). Each is a call of
    /// its own.
    #[schemars(range(min = 1, max = 128))]
    pub(super) max_choices: Option<u16>,
    /// Keep responses of the Responses API unless a request says `store: false`, as OpenAI does: callers then go on
    /// from them by `previous_response_id`, and run them in the background. Prompts and answers are on disk then, in
    /// `data_dir`, for their caller's key alone. `false` keeps nothing.
    pub(super) store: Option<bool>,
    /// Days after which a kept response is forgotten. One that others go on from stays as long as they do.
    #[schemars(range(min = 1, max = 3650))]
    pub(super) store_days: Option<u16>,
    /// Most that all kept responses may take on disk; the oldest give way.
    #[schemars(range(min = 1_048_576))]
    pub(super) store_max_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Auth {
    /// Keys of which every caller must then show one, as `x-api-key` or `Authorization: Bearer`. Each is
    /// `sha256:HEX` (the key's SHA-256), `env:NAME`, `file:PATH`, or `{"name": …, "key": one of these, "limits": {…}}`.
    #[schemars(extend("x-secret" = true))]
    pub(super) api_keys: Option<Vec<KeyEntry>>,
    /// Serve anyone who can reach the port, without a key. Anyone then spends your account.
    pub(super) open: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum KeyEntry {
    Plain(String),
    Named(NamedKey),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedKey {
    /// Shown in logs and usage.
    pub(super) name: String,
    /// `sha256:HEX`, `env:NAME` or `file:PATH`.
    pub(super) key: String,
    /// What its holder may do, see `docs/keys.md`.
    pub(super) limits: Option<Terms>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Usage {
    /// Keep a row for each request: who asked, what served, tokens, cost, durations. Never what was said.
    pub(super) enabled: Option<bool>,
    /// Days after which a row is forgotten. At least a month, by which budgets are reckoned.
    #[schemars(range(min = 32, max = 3650))]
    pub(super) retention_days: Option<u16>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Logging {
    /// Least severe messages shown: TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case.
    #[schemars(extend("x-env" = "LOG_LEVEL"))]
    pub(super) level: Option<String>,
    /// How a line looks.
    pub(super) format: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimiting {
    /// Requests that a caller may make per minute, in the long run.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-default" = "no limit"))]
    pub(super) requests_per_minute: Option<u32>,
    /// Requests that may come at once.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-default" = "10, at most `requests_per_minute`"))]
    pub(super) burst_size: Option<u32>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    /// Answer a request that is the same in everything that matters with the answer that was given before, and give
    /// one answer to all that ask the same at the same time. Errors are not kept. A caller declines with
    /// `cache-control: no-store` or `no-cache`.
    pub(super) enabled: Option<bool>,
    /// How long an answer is kept.
    pub(super) ttl: Option<PositiveSeconds>,
    /// Most memory that all kept answers may take; those that were not asked for lately give way.
    #[schemars(range(min = 65_536))]
    pub(super) max_bytes: Option<u64>,
    /// Longer answers are not kept.
    #[schemars(range(min = 1024))]
    pub(super) max_answer_bytes: Option<u64>,
    /// Also answer requests that declare tools. An agent gets the same calls again then, and does again what they do.
    pub(super) tools: Option<bool>,
    /// Give what one key was answered to the others as well.
    pub(super) shared: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Admin {
    /// Token for what only the operator may do, such as answering permission prompts, sent as
    /// `Authorization: Bearer`: itself, `env:NAME` or `file:PATH`. It is no API key.
    #[schemars(extend("x-secret" = true, "x-default" = "none: those endpoints are closed"))]
    pub(super) token: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metrics {
    /// Token for `/metrics`, sent as `Authorization: Bearer`: itself, `env:NAME` or `file:PATH`.
    #[schemars(extend("x-secret" = true, "x-default" = "none: who may call may read the metrics"))]
    pub(super) token: Option<String>,
}
