//! What all requests share: configuration, backends, limits, counters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::{Backend, Capabilities};
use dialects::models::Rules;
use dialects::{openai_chat, openai_responses};
use http::HeaderMap;
use messages::ApiError;
use policy::access::Gate;
use policy::config::{Config, Secret};
use policy::keys::KeyHash;
use policy::limits::{LocalQuotas, Quotas, RateLimiter};
use policy::prices::Prices;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::AnswerCache;
use crate::issued::Issued;
use crate::learned::Refusals;
use crate::ledger::Ledger;
use crate::model_list::ModelList;
use crate::pipeline::{Asked, Bounds, Operation, named_model};
use crate::responses::Responses;
use crate::stores::Stores;
use crate::telemetry::metrics::Metrics;
use crate::thoughts::ThoughtMemory;
use crate::upstreams::{Aim, Upstreams, is_claude_code};

/// The longest wait for the next part of a request's body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

/// What requests share. One for each configuration: a request holds the one it began with, by `Arc`, to its end. What
/// outlives a configuration is the same in all of them.
pub struct App {
    pub(crate) config: Config,
    pub(crate) upstreams: Upstreams,
    pub(crate) gate: Gate,
    pub(crate) limiter: Option<Arc<RateLimiter>>,
    pub(crate) quotas: Arc<dyn Quotas>,
    pub(crate) ledger: Ledger,
    pub(crate) issued: Arc<Issued>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) models: ModelList,
    pub(crate) thoughts: Arc<ThoughtMemory>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) responses: Arc<Responses>,
    pub(crate) cache: Option<Arc<AnswerCache>>,
    pub(crate) drain: Arc<Drain>,
    /// Exchanges that are over and wait for their cost.
    pub(crate) settling: TaskTracker,
    pub(crate) started: Instant,
    scraper: Option<KeyHash>,
    admin: Option<KeyHash>,
}

/// The two moments of a shutdown.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// No new requests.
    pub(crate) begun: CancellationToken,
    /// No more patience with running ones.
    pub(crate) cut: CancellationToken,
}

impl App {
    /// Puts the parts together; nothing runs yet. `backends` are those of the configuration, by their names. What `stores`
    /// lacks is not kept.
    #[must_use]
    pub fn new(config: Config, backends: Vec<Arc<dyn Backend>>, gate: Gate, stores: Stores) -> Arc<Self> {
        let now = Instant::now();
        let metrics = Metrics::new();
        let lifetime = DAY * config.openai.store_days.into();
        let responses = Responses::new(stores.responses, lifetime, metrics.store_failures.clone());
        let prices = prices(&config);
        Arc::new(Self {
            upstreams: Upstreams::new(backends.clone(), &config.routing),
            gate,
            limiter: limiter(&config, now),
            quotas: Arc::new(LocalQuotas::new(now)),
            ledger: Ledger::new(stores.usage, prices),
            issued: Arc::new(Issued::new(stores.keys)),
            metrics: Arc::new(metrics),
            models: ModelList::new(backends, &config.openai.aliases),
            thoughts: Arc::default(),
            refusals: Arc::default(),
            responses: Arc::new(responses),
            cache: config.cache.map(AnswerCache::new),
            drain: Arc::default(),
            settling: TaskTracker::new(),
            started: now,
            scraper: hash(config.metrics.token.as_ref()),
            admin: hash(config.admin.token.as_ref()),
            config,
        })
    }

    /// The same server with another configuration.
    pub(crate) fn reloaded(&self, config: Config, backends: Vec<Arc<dyn Backend>>, gate: Gate) -> Arc<Self> {
        let same_limits = config.rate_limiting == self.config.rate_limiting;
        Arc::new(Self {
            upstreams: self.upstreams.with(backends.clone(), &config.routing),
            gate,
            limiter: if same_limits { self.limiter.clone() } else { limiter(&config, Instant::now()) },
            quotas: Arc::clone(&self.quotas),
            ledger: Ledger::new(self.ledger.store().cloned(), prices(&config)),
            issued: Arc::clone(&self.issued),
            metrics: Arc::clone(&self.metrics),
            models: ModelList::new(backends, &config.openai.aliases),
            thoughts: Arc::clone(&self.thoughts),
            refusals: Arc::clone(&self.refusals),
            responses: Arc::clone(&self.responses),
            // What was answered by another configuration might be answered otherwise now.
            cache: config.cache.map(AnswerCache::new),
            drain: Arc::clone(&self.drain),
            settling: self.settling.clone(),
            started: self.started,
            scraper: hash(config.metrics.token.as_ref()),
            admin: hash(config.admin.token.as_ref()),
            config,
        })
    }

    /// Whether `key` is the token for `/metrics`.
    pub(crate) fn is_scraper(&self, key: Option<&str>) -> bool {
        same(self.scraper.as_ref(), key)
    }

    pub(crate) fn body_bounds(&self) -> Bounds {
        Bounds { max_bytes: self.config.server.max_body_bytes, patience: BODY_PATIENCE }
    }

    /// Whether the program has tools of its own, which do things.
    pub(crate) const fn has_built_in_tools(&self) -> bool {
        !self.config.claude_code.tools.is_empty()
    }

    /// The model that serves a request for `asked`; the configured default for none and for `default`.
    pub(crate) fn serving_model(&self, asked: &str) -> String {
        let default = &self.config.claude.default_model;
        let named = if matches!(asked, "" | "default") { default } else { asked };
        self.models.resolve(named)
    }

    /// The model that serves a request with this body, by which its route is found.
    pub(crate) fn model_of(&self, operation: Operation, body: &[u8]) -> String {
        let asked = named_model(body);
        match operation {
            Operation::Messages | Operation::CountTokens => self.serving_model(&asked),
            _ => self.aliased_model(&asked),
        }
    }

    /// The same for the name that a client of an OpenAI dialect uses.
    fn aliased_model(&self, asked: &str) -> String {
        self.serving_model(self.config.openai.aliases.resolve(asked).unwrap_or(asked))
    }

    /// A chat completion or legacy completion as Messages requests.
    pub(crate) fn translate_chat(
        &self,
        aim: &Aim,
        asked: &Asked,
    ) -> Result<openai_chat::Translated, ApiError> {
        self.with_defaults(aim, asked.wishes.strict, &asked.owner, |defaults| match asked.operation {
            Operation::Completions => openai_chat::translate_completion(&asked.body, defaults),
            _ => openai_chat::translate(&asked.body, defaults),
        })
    }

    /// A request for a response as a Messages request.
    pub(crate) fn translate_response(
        &self,
        aim: &Aim,
        owner: &str,
        body: &[u8],
        earlier: &openai_responses::Earlier<'_>,
        strict: bool,
    ) -> Result<openai_responses::Translated, ApiError> {
        self.with_defaults(aim, strict, owner, |defaults| {
            openai_responses::translate(body, earlier, defaults)
        })
    }

    /// The same request, to be counted.
    pub(crate) fn translate_count(
        &self,
        aim: &Aim,
        owner: &str,
        body: &[u8],
        earlier: &openai_responses::Earlier<'_>,
        strict: bool,
    ) -> Result<openai_responses::Translated, ApiError> {
        self.with_defaults(aim, strict, owner, |defaults| {
            openai_responses::translate_for_counting(body, earlier, defaults)
        })
    }

    /// What the server adds to a request in one of OpenAI's dialects.
    fn with_defaults<T>(
        &self,
        aim: &Aim,
        strict: bool,
        owner: &str,
        translate: impl FnOnce(&openai_chat::Defaults<'_>) -> T,
    ) -> T {
        let capabilities = aim.upstream.backend.capabilities();
        let resolve =
            |asked: &str| aim.model.as_deref().map_or_else(|| self.aliased_model(asked), str::to_owned);
        translate(&openai_chat::Defaults {
            default_model: &self.config.claude.default_model,
            max_tokens: self.config.claude.max_tokens,
            strict,
            plain_user: self.config.openai.plain_user,
            resolve: &resolve,
            rules: &|model| self.rules(capabilities, model),
            recall: &|call_id, model| self.thoughts.recall(owner, call_id, model),
            web_search: capabilities.server_tools,
            auto_cache: self.config.openai.auto_cache && capabilities.cache_control,
            most_choices: self.most_choices(aim),
        })
    }

    /// The most choices of one request. Each takes a place of its own, all of them at once.
    fn most_choices(&self, aim: &Aim) -> usize {
        let most = self.config.openai.max_choices;
        if is_claude_code(&self.config, aim.upstream.name()) {
            return most.min(self.config.claude_code.max_processes);
        }
        most
    }

    /// What the model takes, less what the backend cannot carry.
    fn rules(&self, capabilities: Capabilities, model: &str) -> Rules {
        let Capabilities { system_turns, prefill, .. } = capabilities;
        let rules = self.models.rules(model);
        Rules { system_turns: rules.system_turns && system_turns, prefill: rules.prefill && prefill, ..rules }
    }

    /// Whether ignored request fields are refused: the header decides, else the configuration.
    pub(crate) fn strict(&self, headers: &HeaderMap) -> Result<bool, ApiError> {
        Ok(switch(headers, "x-strict")?.unwrap_or(self.config.strict))
    }

    /// Writes what is left to write; after that nothing is kept.
    pub(crate) async fn close_stores(&self) {
        self.settling.close();
        // Each of them has an end to its patience.
        self.settling.wait().await;
        if let Some(ledger) = self.ledger.store() {
            ledger.close().await;
        }
        if let Some(keys) = self.issued.store() {
            keys.close().await;
        }
    }

    /// Whether `key` is the operator's own token.
    pub(crate) fn is_admin(&self, key: Option<&str>) -> bool {
        same(self.admin.as_ref(), key)
    }
}

fn prices(config: &Config) -> Prices {
    Prices::built_in().with(config.prices.clone())
}

fn limiter(config: &Config, now: Instant) -> Option<Arc<RateLimiter>> {
    config.rate_limiting.map(|limits| Arc::new(RateLimiter::new(limits, now)))
}

fn hash(token: Option<&Secret>) -> Option<KeyHash> {
    token.map(|token| KeyHash::of(token.expose()))
}

/// Whether the caller wants to be told what built-in tools do.
pub(crate) fn wants_agent_events(headers: &HeaderMap) -> Result<bool, ApiError> {
    Ok(switch(headers, "x-claude-code-events")?.unwrap_or_default())
}

fn switch(headers: &HeaderMap, name: &str) -> Result<Option<bool>, ApiError> {
    match headers.get(name).map(http::HeaderValue::as_bytes) {
        None => Ok(None),
        Some(b"true" | b"1") => Ok(Some(true)),
        Some(b"false" | b"0") => Ok(Some(false)),
        Some(_) => Err(ApiError::invalid(name, "this header must be true or false")),
    }
}

fn same(token: Option<&KeyHash>, key: Option<&str>) -> bool {
    match (token, key) {
        (Some(token), Some(key)) => token.same(&KeyHash::of(key)).into(),
        _ => false,
    }
}
