//! A request on its way to whoever serves it: planned for the first target of its route, given to the next where that one
//! can't serve it, as long as nobody has seen anything of an answer.

use std::time::{Duration, Instant};

use backends::{BackendError, OwnKey, Reply};
use bytes::Bytes;
use http::HeaderMap;
use messages::{ApiError, ErrorKind};
use policy::route::{Affinity, Route};

use super::call::{self, Wishes};
use super::first::begun;
use super::{Exchange, Operation, Plan};
use crate::affinity;
use crate::app::App;
use crate::reply_headers::retry_after;
use crate::upstreams::{Aim, Outcome, available, is_of_its_callers};

/// The longest pause before the second attempt; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A request as its caller sent it: all that it takes to plan it for any target.
pub(crate) struct Asked {
    pub(crate) operation: Operation,
    pub(crate) body: Bytes,
    pub(crate) headers: HeaderMap,
    /// The caller's query string, without `?`.
    pub(crate) query: Option<String>,
    pub(crate) owner: String,
    /// The caller's own key for an upstream that is called with it. In memory alone.
    pub(crate) own_key: Option<OwnKey>,
    pub(crate) wishes: Wishes,
    /// Id and time of the response that it makes, where it has them already.
    pub(crate) begun: Option<(String, u64)>,
}

/// A request with its plan and its targets.
pub(crate) struct Journey {
    pub(crate) asked: Asked,
    pub(crate) plan: Plan,
    /// All targets of its route, in order; the plan was made for the first of them.
    pub(super) aims: Vec<Aim>,
}

/// What an attempt came to.
type Attempted = Result<Vec<Reply>, BackendError>;

impl Journey {
    /// Finds the route and plans the request.
    ///
    /// # Errors
    /// 404 where no route serves the model; what planning complains of.
    pub(crate) async fn plan(app: &App, mut asked: Asked, request_id: &str) -> Result<Self, ApiError> {
        let route = route(app, &asked)?;
        // Which one is first matters only where they share, and then follows from the plan.
        let mut aims = app.upstreams.aims(route, &Affinity::of([]));
        let first = aims.first().cloned().ok_or_else(|| no_route(""))?;
        let mut plan = Plan::new(app, &first, &asked).await?;
        asked.begun = plan.begun();
        if route.shares() {
            let affinity = if app.config.routing.sticky {
                affinity::of(&plan.body, &asked.owner)
            } else {
                Affinity::of([request_id.as_bytes()])
            };
            aims = app.upstreams.aims(route, &affinity);
            if let Some(other) = aims.first().filter(|aim| !aim.plans_like(&first)) {
                plan = Plan::new(app, other, &asked).await?;
            }
        }
        Ok(Self { asked, plan, aims })
    }

    /// Gives the request to its targets, one after the other, until one has begun to answer.
    pub(crate) async fn send(&mut self, app: &App, exchange: &mut Exchange) -> Attempted {
        let routing = &app.config.routing;
        let limit = routing.deadline.unwrap_or(app.config.claude.response_timeout);
        let (began, mut planned_for) = (Instant::now(), self.aims.first().cloned());
        let targets = available(&self.aims)?;
        let most = routing.max_attempts.min(targets.len());
        let mut last: Option<Attempted> = None;
        for (index, aim) in targets.iter().take(most).enumerate() {
            if !planned_for.as_ref().is_some_and(|planned| aim.plans_like(planned)) {
                match Plan::new(app, aim, &self.asked).await {
                    Ok(plan) => self.plan = plan,
                    // What the request asks of this target is more than it can do; the others said what is wrong there.
                    Err(_) if last.is_some() => continue,
                    Err(error) => return Err(error.into()),
                }
                planned_for = Some(aim.clone());
                exchange.planned(&self.plan);
            }
            let is_last = index + 1 == most;
            let time_left = limit.saturating_sub(began.elapsed());
            let patience = Patience {
                deadline: routing.deadline.map(|_| time_left),
                attempt: routing.attempt_timeout.filter(|_| !is_last),
            };
            exchange.attempt(aim);
            let attempted = patience.with(self.attempt(app, aim, !is_last)).await;
            let Some(failure) = Failure::of(&attempted) else {
                app.metrics.attempt(aim.upstream.name(), "answered");
                exchange.accepted();
                return attempted;
            };
            app.metrics.attempt(aim.upstream.name(), failure.outcome());
            let wait = failure.retry_after;
            if let Some(wait) = wait.filter(|_| !is_of_its_callers(&app.config, aim.upstream.name())) {
                aim.upstream.rest(wait, failure.kind());
            }
            exchange.attempt_over(failure.speaks_against_it());
            tracing::info!(
                request_id = &*exchange.request_id,
                backend = &**aim.upstream.name(),
                status = failure.status,
                retry_after_seconds = wait.map(|wait| wait.as_secs_f64()),
                "the backend could not serve the request"
            );
            last = Some(attempted);
            let pause = pause(index);
            if is_last || began.elapsed() + pause >= limit {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        last.unwrap_or_else(|| Err(no_route(&self.plan.served).into()))
    }

    /// Where another target is left, only an answer that has begun is taken for one.
    async fn attempt(&self, app: &App, aim: &Aim, may_be_given_on: bool) -> Attempted {
        let replies = call::send(app, aim, &self.asked, &self.plan).await?;
        if !may_be_given_on {
            return Ok(replies);
        }
        futures_util::future::try_join_all(replies.into_iter().map(begun)).await
    }

    /// Nobody could be told what built-in tools do.
    pub(super) fn nobody_reads_along(&mut self) {
        self.asked.wishes.agent_events = false;
    }

    /// What the caller named in `anthropic-beta`.
    pub(crate) fn beta(&self) -> Option<String> {
        call::betas(&self.asked.headers, &[])
    }

    /// Whether fields without effect are refused.
    pub(crate) fn strict(&self) -> bool {
        self.asked.wishes.strict
    }
}

/// How long an attempt may take until its answer begins.
struct Patience {
    deadline: Option<Duration>,
    attempt: Option<Duration>,
}

impl Patience {
    async fn with(&self, attempt: impl Future<Output = Attempted>) -> Attempted {
        let limits = [(self.deadline, "routing.deadline"), (self.attempt, "routing.attempt_timeout")];
        let shortest = limits.into_iter().filter_map(|(limit, key)| Some((limit?, key))).min();
        let Some((limit, key)) = shortest else { return attempt.await };
        match tokio::time::timeout(limit, attempt).await {
            Ok(attempted) => attempted,
            Err(_) => Err(BackendError::timeout("the backend to begin its answer", limit.as_secs_f64(), key)),
        }
    }
}

/// Why a request may be given to another target.
struct Failure {
    status: u16,
    /// The backend answered, if only with this.
    answered: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    /// `None` for an answer, and for a complaint about the request: that would be the same everywhere.
    fn of(attempted: &Attempted) -> Option<Self> {
        match attempted {
            Ok(replies) => replies.iter().find(|reply| is_passing(reply.status.as_u16())).map(|reply| Self {
                status: reply.status.as_u16(),
                answered: true,
                retry_after: retry_after(&reply.headers),
            }),
            Err(BackendError { error, .. }) if is_passing(error.status) => {
                Some(Self { status: error.status, answered: false, retry_after: error.retry_after })
            }
            Err(_) => None,
        }
    }

    /// A target that has too much to do is not a broken one.
    fn speaks_against_it(&self) -> Outcome {
        if self.status == 429 { Outcome::Neither } else { Outcome::Failed }
    }

    fn kind(&self) -> ErrorKind {
        if self.status == 429 { ErrorKind::RateLimit } else { ErrorKind::Overloaded }
    }

    /// As the metrics name it.
    fn outcome(&self) -> &'static str {
        match self.status {
            429 => "rate_limited",
            503 | 529 => "overloaded",
            408 | 504 => "timed_out",
            502 if !self.answered => "unreachable",
            _ => "failed",
        }
    }
}

/// Statuses that say nothing about the request: it may fare better elsewhere.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Drawn between nothing and a limit that doubles: so those that failed together do not come again together.
fn pause(index: usize) -> Duration {
    let [drawn, ..] = uuid::Uuid::new_v4().into_bytes();
    let longest = FIRST_PAUSE * 2_u32.pow(u32::try_from(index.min(5)).unwrap_or(5));
    longest.mul_f64(f64::from(drawn) / 255.0)
}

fn route<'a>(app: &'a App, asked: &Asked) -> Result<&'a Route, ApiError> {
    let routes = &app.config.routing.routes;
    if let Some(only) = routes.only() {
        return Ok(only);
    }
    let model = app.model_of(asked.operation, &asked.body);
    routes.find(&model).ok_or_else(|| no_route(&model))
}

fn no_route(model: &str) -> ApiError {
    let shown: String = model.chars().take(100).collect();
    let error = ApiError::new(
        ErrorKind::NotFound,
        format!("No backend serves the model `{shown}` here (`routing.routes`)."),
    );
    ApiError { path: Some("model".into()), ..error.with_code("model_not_found") }
}
