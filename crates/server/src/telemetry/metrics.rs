//! Prometheus metrics. A metric's doc comment says what its HELP text says.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use messages::Usage;
use policy::prices::Usd;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::account::AccountGauges;
use super::keys::KeyCounters;
use crate::ledger::Payer;

/// Beyond so many model names, further ones are counted as `other`: names come from callers.
const MAX_MODEL_LABELS: usize = 200;
const SECONDS: [f64; 13] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];
const OVERHEAD_SECONDS: [f64; 11] =
    [0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25];

/// Labels of a served exchange.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ExchangeLabels {
    pub dialect: &'static str,
    pub backend: String,
    pub model: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    backend: String,
    model: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    backend: String,
    model: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CostLabels {
    backend: String,
    model: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProcessLabels {
    backend: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TurnLabels {
    backend: String,
    way: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    backend: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BackendLabels {
    backend: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CacheLabels {
    result: &'static str,
}

/// What one exchange adds to the metrics.
pub(crate) struct Observed<'a> {
    pub labels: ExchangeLabels,
    pub status: u16,
    pub duration: Duration,
    pub first_token: Option<Duration>,
    pub overhead: Duration,
    pub usage: &'a Usage,
    pub cost_usd: Option<f64>,
}

/// All metrics of this process.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Family<ExchangeLabels, Histogram>,
    first_token: Family<ExchangeLabels, Histogram>,
    overhead: Histogram,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<CostLabels, Counter<f64, AtomicU64>>,
    pub(crate) active_streams: Gauge,
    pub(crate) active_requests: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) rejected: Family<RejectedLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    available: Family<BackendLabels, Gauge>,
    processes: Family<ProcessLabels, Gauge>,
    turns: Family<TurnLabels, Counter>,
    pub(crate) account: AccountGauges,
    keys: KeyCounters,
    usage_lost: Counter,
    usage_failures: Counter,
    stored: Gauge,
    stored_bytes: Gauge,
    pub(crate) store_failures: Counter,
    cache: Family<CacheLabels, Counter>,
    cached_bytes: Gauge,
    models: Mutex<HashSet<String>>,
}

/// Why a request went no further.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RejectedLabels {
    pub reason: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let by_seconds = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("ccp"),
            requests: Family::default(),
            duration: Family::new_with_constructor(by_seconds),
            first_token: Family::new_with_constructor(by_seconds),
            overhead: Histogram::new(OVERHEAD_SECONDS),
            tokens: Family::default(),
            cost: Family::default(),
            active_streams: Gauge::default(),
            active_requests: Gauge::default(),
            connections: Gauge::default(),
            rejected: Family::default(),
            attempts: Family::default(),
            available: Family::default(),
            processes: Family::default(),
            turns: Family::default(),
            account: AccountGauges::default(),
            keys: KeyCounters::default(),
            usage_lost: Counter::default(),
            usage_failures: Counter::default(),
            stored: Gauge::default(),
            stored_bytes: Gauge::default(),
            store_failures: Counter::default(),
            cache: Family::default(),
            cached_bytes: Gauge::default(),
            models: Mutex::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "requests",
            "Requests answered, by dialect, backend, model and status",
            self.requests.clone(),
        );
        let help = "From a request's arrival to the last byte of its answer";
        r.register_with_unit("request_duration", help, Unit::Seconds, self.duration.clone());
        let help = "From a request's arrival to the first byte of its answer";
        r.register_with_unit("time_to_first_token", help, Unit::Seconds, self.first_token.clone());
        let help = "The part of a request's time spent in this server before the backend was called";
        r.register_with_unit("overhead", help, Unit::Seconds, self.overhead.clone());
        r.register("tokens", "Tokens by kind, as the backend counted them", self.tokens.clone());
        r.register(
            "cost_usd",
            "Cost in US dollars, as the backend tells it, else by the table of prices",
            self.cost.clone(),
        );
        r.register("active_streams", "Answers being streamed now", self.active_streams.clone());
        r.register("active_requests", "API requests being served now", self.active_requests.clone());
        r.register("connections", "Client connections open now", self.connections.clone());
        r.register(
            "rejected_requests",
            "Requests refused before any backend, by reason",
            self.rejected.clone(),
        );
        r.register("attempts", "Requests given to a backend, by what came of it", self.attempts.clone());
        let help = "1 while a backend is given requests, 0 while it is left alone";
        r.register("backend_available", help, self.available.clone());
        r.register("claude_processes", "Processes of the claude program by state", self.processes.clone());
        let help = "Turns of the claude program, by how it came to know the conversation";
        r.register("claude_turns", help, self.turns.clone());
        r.register("stored_responses", "Responses kept now", self.stored.clone());
        r.register("stored_bytes", "Bytes that the store of responses takes", self.stored_bytes.clone());
        let help = "Times that the store of responses did not do what it was asked";
        r.register("store_failures", help, self.store_failures.clone());
        let help = "Requests of each key";
        r.register("key_requests", help, self.keys.requests.clone());
        r.register("key_tokens", "Tokens of each key, cached ones included", self.keys.tokens.clone());
        r.register("key_cost_usd", "Cost of each key in US dollars", self.keys.cost.clone());
        r.register("usage_lost", "Rows of the usage ledger that could not be kept", self.usage_lost.clone());
        let help = "Writes of the usage ledger that failed and are tried again";
        r.register("usage_failures", help, self.usage_failures.clone());
        let help = "Requests by what the cache of answers had for them";
        r.register("cache_requests", help, self.cache.clone());
        let help = "Bytes that the cache of answers takes";
        r.register("cached_bytes", help, self.cached_bytes.clone());
        self.account.register(r);
    }

    /// Counts a request for which the cache was asked.
    pub(crate) fn cache(&self, result: &'static str) {
        self.cache.get_or_create(&CacheLabels { result }).inc();
    }

    /// The cache of answers as it is now.
    pub(crate) fn set_cached(&self, bytes: u64) {
        self.cached_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The store of responses as it is now.
    pub(crate) fn set_stored(&self, responses: u64, bytes: u64) {
        self.stored.set(i64::try_from(responses).unwrap_or(i64::MAX));
        self.stored_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The usage ledger as it is now.
    pub(crate) fn set_ledger(&self, state: store::LedgerState) {
        self.usage_lost.inner().fetch_max(state.lost, Ordering::Relaxed);
        self.usage_failures.inner().fetch_max(state.failures, Ordering::Relaxed);
    }

    /// Counts one exchange for its key.
    pub(crate) fn observe_key(&self, payer: &Payer, usage: &Usage, cost: Option<Usd>) {
        self.keys.observe(payer, usage, cost);
    }

    /// Counts one refused request.
    pub(crate) fn reject(&self, reason: &'static str) {
        self.rejected.get_or_create(&RejectedLabels { reason }).inc();
    }

    /// Counts one request that was given to a backend.
    pub(crate) fn attempt(&self, backend: &str, outcome: &'static str) {
        self.attempts.get_or_create(&AttemptLabels { backend: backend.to_owned(), outcome }).inc();
    }

    /// Whether requests are given to a backend now.
    pub(crate) fn set_available(&self, backend: &str, available: bool) {
        let labels = BackendLabels { backend: backend.to_owned() };
        self.available.get_or_create(&labels).set(available.into());
    }

    /// Counts one exchange, whoever ended it.
    pub(crate) fn observe(&self, seen: Observed<'_>) {
        let mut labels = seen.labels;
        labels.model = self.model_label(labels.model, seen.status);
        self.duration.get_or_create(&labels).observe(seen.duration.as_secs_f64());
        if let Some(first) = seen.first_token {
            self.first_token.get_or_create(&labels).observe(first.as_secs_f64());
        }
        self.overhead.observe(seen.overhead.as_secs_f64());
        self.count_tokens(&labels, seen.usage);
        if let Some(cost) = seen.cost_usd {
            let labels = CostLabels { backend: labels.backend.clone(), model: labels.model.clone() };
            self.cost.get_or_create(&labels).inc_by(cost);
        }
        let ExchangeLabels { dialect, backend, model } = labels;
        self.requests.get_or_create(&RequestLabels { dialect, backend, model, status: seen.status }).inc();
    }

    fn count_tokens(&self, labels: &ExchangeLabels, usage: &Usage) {
        let kinds = [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache_creation_input", usage.cache_creation_input_tokens),
            ("cache_read_input", usage.cache_read_input_tokens),
        ];
        for (kind, tokens) in kinds.into_iter().filter(|(_, tokens)| *tokens > 0) {
            let labels = TokenLabels { backend: labels.backend.clone(), model: labels.model.clone(), kind };
            self.tokens.get_or_create(&labels).inc_by(tokens);
        }
    }

    /// A model's name as a label: only names that a backend served, and not endlessly many.
    fn model_label(&self, model: String, status: u16) -> String {
        let Ok(mut known) = self.models.lock() else { return "other".into() };
        if known.contains(&model) {
            return model;
        }
        if status >= 400 || known.len() >= MAX_MODEL_LABELS {
            return "other".into();
        }
        known.insert(model.clone());
        model
    }

    /// The processes of a backend as they are now.
    pub(crate) fn set_processes(&self, backend: &str, processes: &[(&'static str, u64)]) {
        for (state, count) in processes {
            let labels = ProcessLabels { backend: backend.to_owned(), state };
            self.processes.get_or_create(&labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// The turns that a backend has answered until now.
    pub(crate) fn set_turns(&self, backend: &str, turns: &[(&'static str, u64)]) {
        for (way, count) in turns {
            let labels = TurnLabels { backend: backend.to_owned(), way };
            self.turns.get_or_create(&labels).inner().fetch_max(*count, Ordering::Relaxed);
        }
    }

    /// The text that `/metrics` answers.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
