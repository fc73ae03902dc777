//! What can serve, and how each of them does: which targets a request may go to, and which of those are to be left alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backends::{Backend, Breaker, BreakerSettings, BreakerState, Permissions, State};
use messages::{ApiError, ErrorKind};
use policy::config::{self, Config, Routing};
use policy::route::{Affinity, Route, Target};

/// No upstream is believed that it wants to be left alone for longer.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// One backend and what came of the requests that went there.
pub(crate) struct Upstream {
    pub(crate) backend: Arc<dyn Backend>,
    name: Arc<str>,
    condition: Mutex<Condition>,
}

struct Condition {
    breaker: Breaker,
    rest: Option<Rest>,
}

/// A backend asked to be left alone.
#[derive(Clone, Copy)]
struct Rest {
    until: Instant,
    kind: ErrorKind,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered, be it with a complaint about the request.
    Served,
    /// The backend failed.
    Failed,
    /// Nothing that speaks for or against the backend.
    Neither,
}

impl Upstream {
    fn new(backend: Arc<dyn Backend>, settings: BreakerSettings) -> Self {
        let condition = Mutex::new(Condition { breaker: Breaker::new(settings), rest: None });
        Self { name: backend.name().into(), backend, condition }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn breaker(&self) -> BreakerState {
        self.condition().breaker.state(Instant::now())
    }

    /// How long it wants to be left alone.
    pub(crate) fn resting(&self) -> Option<Duration> {
        let rest = self.condition().rest?;
        Some(rest.until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// It answered with this kind of error that nothing may be sent for so long.
    pub(crate) fn rest(&self, wait: Duration, kind: ErrorKind) {
        let until = Instant::now() + wait.min(LONGEST_REST);
        let mut condition = self.condition();
        if condition.rest.is_none_or(|rest| rest.until < until) {
            condition.rest = Some(Rest { until, kind });
        }
    }

    /// A request goes there now.
    pub(crate) fn begin(self: &Arc<Self>) -> Ticket {
        self.condition().breaker.begin(Instant::now());
        Ticket { upstream: Arc::clone(self), outcome: Outcome::Neither }
    }
}

/// A request that went to a backend. Tells its outcome when it is dropped.
pub(crate) struct Ticket {
    upstream: Arc<Upstream>,
    outcome: Outcome,
}

impl Ticket {
    /// The answer begins.
    pub(crate) fn answers(&self) {
        self.upstream.condition().breaker.answers(Instant::now());
    }

    /// What came of it.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (now, breaker) = (Instant::now(), &mut self.upstream.condition().breaker);
        match self.outcome {
            Outcome::Served => breaker.succeeded(now),
            Outcome::Failed => breaker.failed(now),
            Outcome::Neither => breaker.left(),
        }
    }
}

/// A target of a route: a backend, and the model that it is asked for in place of the request's own.
#[derive(Clone)]
pub(crate) struct Aim {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) model: Option<Arc<str>>,
}

impl Aim {
    /// Whether what is planned for the one can be sent to the other.
    pub(crate) fn plans_like(&self, other: &Self) -> bool {
        self.model == other.model
            && self.upstream.backend.capabilities() == other.upstream.backend.capabilities()
    }
}

/// All backends.
pub(crate) struct Upstreams(Vec<Arc<Upstream>>);

impl Upstreams {
    pub(crate) fn new(backends: Vec<Arc<dyn Backend>>, routing: &Routing) -> Self {
        let settings = breaker_settings(routing);
        Self(backends.into_iter().map(|backend| Arc::new(Upstream::new(backend, settings))).collect())
    }

    /// Those of another configuration. One that serves here already keeps its condition.
    pub(crate) fn with(&self, backends: Vec<Arc<dyn Backend>>, routing: &Routing) -> Self {
        let settings = breaker_settings(routing);
        let upstream = |backend: Arc<dyn Backend>| match self.of(&backend) {
            Some(upstream) => {
                upstream.condition().breaker.set(settings);
                Arc::clone(upstream)
            }
            None => Arc::new(Upstream::new(backend, settings)),
        };
        Self(backends.into_iter().map(upstream).collect())
    }

    fn of(&self, backend: &Arc<dyn Backend>) -> Option<&Arc<Upstream>> {
        self.iter().find(|upstream| Arc::ptr_eq(&upstream.backend, backend))
    }

    pub(crate) fn has(&self, upstream: &Upstream) -> bool {
        self.of(&upstream.backend).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.0.iter()
    }

    /// The name of the only one.
    pub(crate) fn only(&self) -> Option<&Arc<str>> {
        match self.0.as_slice() {
            [only] => Some(only.name()),
            _ => None,
        }
    }

    /// Where permission prompts are answered; at most one backend has any.
    pub(crate) fn permissions(&self) -> Option<Permissions> {
        self.iter().find_map(|upstream| upstream.backend.permissions())
    }

    /// All targets of a route, in the order in which this conversation asks them.
    pub(crate) fn aims(&self, route: &Route, affinity: &Affinity) -> Vec<Aim> {
        route.order(affinity).into_iter().filter_map(|target| self.aim(target)).collect()
    }

    fn aim(&self, target: &Target) -> Option<Aim> {
        let upstream = self.iter().find(|upstream| *upstream.name == *target.backend)?;
        Some(Aim { upstream: Arc::clone(upstream), model: target.model.as_deref().map(Arc::from) })
    }

    /// Whether any can serve; `None` while none was asked.
    pub(crate) fn state(&self) -> State {
        let states: Vec<_> = self.iter().map(|upstream| upstream.backend.health().state).collect();
        let has = |state| states.contains(&state);
        match () {
            () if has(State::Failing) => State::Failing,
            () if has(State::Unknown) => State::Unknown,
            () => State::Ok,
        }
    }
}

/// Those of the targets that a request is given to now. One that has no other beside it is always asked. Where all ask to
/// be left alone, that is the answer; where some only failed, the first of those is tried rather than none.
pub(crate) fn available(aims: &[Aim]) -> Result<Vec<Aim>, ApiError> {
    if aims.len() < 2 {
        return Ok(aims.to_vec());
    }
    let now = Instant::now();
    let (mut free, mut broken, mut rests) = (Vec::new(), None, Vec::new());
    for aim in aims {
        let condition = aim.upstream.condition();
        match condition.rest.filter(|rest| rest.until > now) {
            Some(rest) => rests.push(rest),
            None if condition.breaker.admits(now) => free.push(aim.clone()),
            None => broken = broken.or(Some(aim)),
        }
    }
    if free.is_empty() {
        free.extend(broken.cloned());
    }
    match rests.into_iter().min_by_key(|rest| rest.until) {
        Some(soonest) if free.is_empty() => {
            let wait = soonest.until - now;
            let told = "All backends for this model have asked to be left alone for a while.";
            Err(ApiError::new(soonest.kind, told).with_retry_after(wait))
        }
        _ => Ok(free),
    }
}

fn breaker_settings(routing: &Routing) -> BreakerSettings {
    BreakerSettings {
        failures: routing.breaker_failures,
        window: routing.breaker_window,
        pause: routing.breaker_pause,
    }
}

/// Whether a backend of this name is called with each caller's own key: what it asks one of them concerns no other.
pub(crate) fn is_of_its_callers(config: &Config, name: &str) -> bool {
    matches!(config.backends.get(name), Some(config::Upstream::Passthrough { .. }))
}

/// Whether a backend of this name runs the `claude` program.
pub(crate) fn is_claude_code(config: &Config, name: &str) -> bool {
    config.backends.get(name) == Some(&config::Upstream::ClaudeCode)
}
