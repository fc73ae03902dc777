//! One HTTP exchange from arrival to its last byte: what is logged and counted, whoever ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backends::Cost;
use messages::Meter;
use policy::prices::Usd;
use store::UsageRow;
use tokio::runtime::Handle;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Journey, Plan};
use crate::app::App;
use crate::dialect::Dialect;
use crate::ledger::{Costly, Payer, Told, row_tokens, unix_ms, us};
use crate::limits::Hold;
use crate::telemetry::metrics::{ExchangeLabels, Observed};
use crate::upstreams::{Aim, Outcome, Ticket, is_claude_code};

/// Who or what ended an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The answer, or an error answer, was handed over whole.
    Complete,
    /// The client hung up first.
    ClientGone,
    /// The backend failed after the answer had begun.
    BackendFailed,
    /// This server was told to stop and its patience ran out.
    Shutdown,
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientGone => "client_gone",
            Self::BackendFailed => "backend_failed",
            Self::Shutdown => "shutdown",
        }
    }
}

/// The status logged for a client that hung up before its answer began (nginx's number).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How long the line of an exchange waits for its cost, which is told a moment after the answer.
const COST_PATIENCE: Duration = Duration::from_secs(2);

/// Settled when dropped: exactly one log line, one count and one row of the ledger per exchange.
pub(crate) struct Exchange {
    app: Arc<App>,
    pub(crate) request_id: Arc<str>,
    pub(crate) dialect: Dialect,
    pub(crate) endpoint: &'static str,
    caller: String,
    started: Instant,
    called: Option<Instant>,
    first_byte: Option<Instant>,
    streaming: bool,
    /// The model as the caller named it; empty until the body was read.
    asked_model: String,
    /// The model that serves.
    served_model: String,
    /// Who served, or was asked last.
    backend: Option<Arc<str>>,
    /// How many backends were asked.
    attempts: u32,
    /// The attempt whose outcome is not known yet.
    ticket: Option<Ticket>,
    /// Upstream's own id of this exchange.
    pub(crate) upstream_request_id: Option<String>,
    /// Reads usage from the answer as it passes.
    pub(crate) meter: Meter,
    /// What each part of the answer costs, where the backend will tell.
    pub(crate) costs: Vec<Cost>,
    told: Told,
    /// What it takes of its key's limits as long as it lasts.
    pub(crate) hold: Option<Hold>,
    /// Whose it is.
    pub(crate) payer: Payer,
    /// Of the request's body.
    pub(crate) bytes_in: usize,
    bytes_out: usize,
    /// When it was over; it is settled when its cost is known.
    over: Option<Instant>,
    status: u16,
    ended: Ended,
    /// Set while the answer, as far as it goes, is whole.
    whole: Option<Arc<AtomicBool>>,
    /// What the cache had for it, where it was asked.
    pub(crate) cache: Option<&'static str>,
    error: Option<String>,
}

impl Exchange {
    /// Begins an exchange that arrived at `started`.
    pub(crate) fn open(
        app: Arc<App>,
        dialect: Dialect,
        endpoint: &'static str,
        request_id: Arc<str>,
        caller: String,
        started: Instant,
    ) -> Self {
        app.metrics.active_requests.inc();
        Self::new(app, dialect, endpoint, request_id, caller, started)
    }

    fn new(
        app: Arc<App>,
        dialect: Dialect,
        endpoint: &'static str,
        request_id: Arc<str>,
        caller: String,
        started: Instant,
    ) -> Self {
        let backend = app.upstreams.only().cloned();
        Self {
            app,
            backend,
            attempts: 0,
            ticket: None,
            request_id,
            dialect,
            endpoint,
            caller,
            started,
            called: None,
            first_byte: None,
            streaming: false,
            asked_model: String::new(),
            served_model: String::new(),
            upstream_request_id: None,
            meter: Meter::default(),
            costs: Vec::new(),
            told: Told::Never,
            hold: None,
            payer: Payer::default(),
            bytes_in: 0,
            bytes_out: 0,
            over: None,
            status: CLIENT_CLOSED_REQUEST,
            ended: Ended::ClientGone,
            whole: None,
            cache: None,
            error: None,
        }
    }

    /// The backend is called now: what came before was this server's own time.
    pub(crate) fn calling(&mut self) {
        self.called = Some(Instant::now());
    }

    /// Where it is going.
    pub(crate) fn follows(&mut self, journey: &Journey) {
        self.planned(&journey.plan);
        journey.aims.first().into_iter().for_each(|aim| self.heads_for(aim));
    }

    /// The model that was asked for, and that which serves.
    pub(super) fn planned(&mut self, plan: &Plan) {
        if self.served_model != plan.served {
            // The answer is another one than was looked for: nobody is to take it for that.
            self.whole = None;
        }
        self.asked_model.clone_from(&plan.asked);
        self.served_model.clone_from(&plan.served);
    }

    fn heads_for(&mut self, aim: &Aim) {
        self.backend = Some(Arc::clone(aim.upstream.name()));
    }

    /// A backend is asked now.
    pub(super) fn attempt(&mut self, aim: &Aim) {
        self.heads_for(aim);
        self.attempts += 1;
        self.ticket = Some(aim.upstream.begin());
    }

    /// Its answer is the one that the client gets.
    pub(super) fn accepted(&self) {
        self.ticket.iter().for_each(Ticket::answers);
    }

    /// What came of it is known.
    pub(super) fn attempt_over(&mut self, outcome: Outcome) {
        self.ticket.take().into_iter().for_each(|ticket| ticket.settle(outcome));
    }

    /// Who was asked last, and how many were: nothing where the request reached nobody.
    pub(super) fn reached(&self) -> Option<(Arc<str>, u32)> {
        Some((self.backend.clone()?, self.attempts)).filter(|(_, attempts)| *attempts > 0)
    }

    /// Whether the backend that it goes to first tells itself what its answers cost.
    pub(crate) fn backend_tells_cost(&self) -> bool {
        self.backend.as_deref().is_some_and(|name| is_claude_code(&self.app.config, name))
    }

    /// What this exchange says about the backend that served it.
    fn outcome(&self) -> Outcome {
        match self.ended {
            Ended::BackendFailed => Outcome::Failed,
            Ended::Complete if self.status >= 500 => Outcome::Failed,
            Ended::Complete => Outcome::Served,
            Ended::ClientGone | Ended::Shutdown => Outcome::Neither,
        }
    }

    /// The status that the client gets.
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = status;
    }

    /// The answer is a stream; it is counted as active until this exchange is settled.
    pub(crate) fn streaming(&mut self) {
        self.streaming = true;
        self.app.metrics.active_streams.inc();
    }

    /// So many bytes of the answer go to the client now.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes_out += bytes;
        self.first_byte.get_or_insert_with(Instant::now);
    }

    /// Bytes that are no model's answer and have no first byte worth measuring.
    pub(crate) fn sent_error(&mut self, bytes: usize) {
        self.bytes_out += bytes;
    }

    /// Resolves when the server's patience with running requests ends.
    pub(crate) async fn cut(&self) {
        self.app.drain.cut.cancelled().await;
    }

    /// The same, for a body that outlives the handler.
    pub(crate) fn cut_owned(&self) -> WaitForCancellationFutureOwned {
        self.app.drain.cut.clone().cancelled_owned()
    }

    /// The cause of a failure, for the log.
    pub(crate) fn failed(&mut self, detail: impl Into<String>) {
        self.error = Some(detail.into());
    }

    /// Nothing more will be sent.
    pub(crate) fn end(&mut self, ended: Ended) {
        self.ended = ended;
        if let Some(whole) = &self.whole {
            whole.store(ended == Ended::Complete, Ordering::Release);
        }
    }

    /// Tells, when the answer is over, whether it is whole.
    pub(crate) fn tell_when_whole(&mut self) -> Arc<AtomicBool> {
        Arc::clone(self.whole.get_or_insert_default())
    }

    fn log(&self, now: Instant, cost: Option<Usd>) {
        let usage = self.meter.usage();
        tracing::info!(
            target: "access",
            request_id = &*self.request_id,
            upstream_request_id = self.upstream_request_id.as_deref(),
            caller = self.caller,
            dialect = self.dialect.name(),
            endpoint = self.endpoint,
            backend = self.backend.as_deref(),
            attempts = self.attempts,
            model = self.asked_model,
            model_served = self.served_model,
            status = self.status,
            stream = self.streaming,
            cache = self.cache,
            ended = self.ended.as_str(),
            stop_reason = self.meter.stop_reason().map(messages::StopReason::as_str),
            error = self.error.as_deref(),
            input_tokens = usage.input_tokens,
            output_tokens = usage.output_tokens,
            cache_creation_input_tokens = usage.cache_creation_input_tokens,
            cache_read_input_tokens = usage.cache_read_input_tokens,
            cost_usd = cost.map(Usd::dollars),
            duration_ms = ms(now - self.started),
            first_byte_ms = self.first_byte.map(|at| ms(at - self.started)),
            overhead_ms = ms(self.overhead(now)),
            "request"
        );
    }

    /// Everything of it, to be settled elsewhere; what stays behind is dropped without a trace.
    fn taken(&mut self) -> Self {
        let (app, request_id) = (Arc::clone(&self.app), Arc::clone(&self.request_id));
        let nothing = Self::new(app, self.dialect, self.endpoint, request_id, String::new(), self.started);
        std::mem::replace(self, nothing)
    }

    async fn settled_with(mut self, costs: Vec<Cost>) {
        let all = futures_util::future::join_all(costs.into_iter().map(Cost::usd));
        let told = tokio::time::timeout(COST_PATIENCE, all).await.unwrap_or_default();
        let sum = told.into_iter().flatten().reduce(|sum, cost| sum + cost);
        self.told = sum.map_or(Told::Later, Told::Cost);
        drop(self);
    }

    /// Its counts are those of the last usage that was told before the answer broke off.
    fn is_estimated(&self) -> bool {
        self.called.is_some() && self.ended != Ended::Complete && !self.meter.finished()
    }

    fn cost(&self) -> Option<Usd> {
        self.app.ledger.cost(&Costly {
            told: self.told,
            stop_reason: self.meter.stop_reason(),
            model: &self.served_model,
            usage: &self.meter.usage(),
        })
    }

    fn row(&mut self, now: Instant, cost: Option<Usd>) -> UsageRow {
        let age = self.started.elapsed();
        let payer = std::mem::take(&mut self.payer);
        UsageRow {
            id: self.request_id.to_string(),
            time_ms: unix_ms().saturating_sub(us(age) / 1000),
            key: payer.key,
            key_name: payer.name,
            dialect: self.dialect.name(),
            endpoint: self.endpoint,
            model_asked: self.asked_model.clone(),
            model_served: self.served_model.clone(),
            backend: self.reached().map(|(backend, _)| backend.to_string()).unwrap_or_default(),
            attempts: self.attempts,
            status: self.status,
            stream: self.streaming,
            ended: self.ended.as_str(),
            estimated: self.is_estimated(),
            tokens: row_tokens(&self.meter.usage()),
            cost_nanos: cost.map(Usd::nanos),
            duration_us: us(now - self.started),
            first_byte_us: self.first_byte.map(|at| us(at - self.started)),
            overhead_us: us(self.overhead(now)),
            bytes_in: self.bytes_in as u64,
            bytes_out: self.bytes_out as u64,
        }
    }

    fn overhead(&self, now: Instant) -> Duration {
        self.called.unwrap_or(now) - self.started
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.over.is_none() {
            self.app.metrics.active_requests.dec();
            if self.streaming {
                self.app.metrics.active_streams.dec();
            }
            self.hold.iter_mut().for_each(Hold::leave);
        }
        let outcome = self.outcome();
        self.attempt_over(outcome);
        let now = *self.over.get_or_insert_with(Instant::now);
        let costs = std::mem::take(&mut self.costs);
        if !costs.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            let settling = self.app.settling.clone();
            settling.spawn_on(self.taken().settled_with(costs), &runtime);
            return;
        }
        let cost = self.cost();
        self.log(now, cost);
        self.hold.iter_mut().for_each(|hold| hold.settle(&self.meter.usage(), cost));
        self.app.metrics.observe_key(&self.payer, &self.meter.usage(), cost);
        let row = self.row(now, cost);
        self.app.ledger.record(row);
        let labels = ExchangeLabels {
            dialect: self.dialect.name(),
            backend: self.backend.as_deref().unwrap_or("none").to_owned(),
            model: std::mem::take(&mut self.served_model),
        };
        self.app.metrics.observe(Observed {
            labels,
            status: self.status,
            duration: now - self.started,
            first_token: self.first_byte.map(|at| at - self.started),
            overhead: self.overhead(now),
            usage: &self.meter.usage(),
            cost_usd: cost.map(Usd::dollars),
        });
    }
}

/// Milliseconds with microsecond precision, as logs show durations.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
