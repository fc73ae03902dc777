//! The front door: reads turns, starts them within the limits, ends everything.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use messages::{ApiError, ErrorKind};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use wire::json::{edit::Edit, peek};

use crate::account::AuthStatus;
use crate::account_windows::AccountWindow;
use crate::agent::{BuiltIn, Permissions};
use crate::cost;
use crate::counts::{Gauge, Phase, ProcessCounts, TurnCounts};
use crate::env;
use crate::errors::{Failure, TurnError};
use crate::instance::Instance;
use crate::kept::{Kept, Next};
use crate::pool::{Pool, Taken};
use crate::probe;
use crate::program::{ProgramError, Version};
use crate::reported_models::ReportedModel;
use crate::scratch::Scratch;
use crate::settings::{Settings, SetupError};
use crate::stream::TurnStream;
use crate::supervise::{Place, Supervisor, stopped};
use crate::tokens::{Asks, Count};
use crate::turn::Turn;

/// Events on their way to a slow reader; past that the program waits.
const EVENTS_AHEAD: usize = 64;
/// A program that did not tell its models is not asked again before.
const MODELS_AGAIN: Duration = Duration::from_secs(60);
/// What a refused caller is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Drives the program. Cheap to clone; all clones share limits and counts.
#[derive(Clone, Debug)]
pub struct Driver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Arc<Settings>,
    pool: Pool,
    /// Processes that wait for their conversation to go on.
    kept: Arc<Kept>,
    places: Arc<Semaphore>,
    gauge: Arc<Gauge>,
    stop: watch::Sender<bool>,
    /// The version found, and the state of the file it was found in.
    version: Mutex<Option<(SystemTime, Version)>>,
    /// Held while the program is asked for its models: when that went wrong last.
    models_failed: Mutex<Option<Instant>>,
    /// Given up last.
    _instance: Instance,
}

impl Driver {
    /// A driver for these settings; starts nothing yet.
    ///
    /// # Errors
    /// When the credential set lacks a variable, a variable is not the configuration's to set, or the scratch
    /// directory can't be made private.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        if settings.max_processes == 0 {
            return Err(SetupError::ZeroLimit { name: "claude_code.max_processes" });
        }
        env::check(&settings)?;
        settings.built_in.as_ref().map_or(Ok(()), BuiltIn::check)?;
        Scratch::prepare_root(&settings.scratch_root)?;
        let instance = Instance::claim(&settings.scratch_root);
        let settings = Arc::new(settings);
        let places = Arc::new(Semaphore::new(settings.max_processes));
        let (gauge, kept, stop) = (Arc::default(), Arc::default(), watch::Sender::new(false));
        let pool = Pool::new(
            Arc::clone(&settings),
            Arc::clone(&places),
            Arc::clone(&gauge),
            Arc::clone(&kept),
            stop.clone(),
        );
        let (version, models_failed) = (Mutex::new(None), Mutex::new(None));
        let inner =
            Inner { settings, pool, kept, places, gauge, stop, version, models_failed, _instance: instance };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Reads and checks a Messages request body.
    /// A process that waits for its conversation to go on is found by `owner` and the whole conversation.
    ///
    /// # Errors
    /// A 400 naming the JSON path of what is wrong or can't be carried by this backend.
    pub fn read_turn(&self, messages_body: &[u8], owner: &str) -> Result<Turn, ApiError> {
        Turn::read(messages_body, owner, self.inner.settings.credentials)
    }

    /// Starts a turn; resolves when its first event is there. Dropping the future gives the turn up.
    ///
    /// # Errors
    /// Whatever ended the turn before its first event, refusal for lack of a free place (529) included.
    pub async fn start(&self, turn: Turn) -> Result<TurnStream, TurnError> {
        let turn = Arc::new(turn);
        if let Some(stream) = self.go_on(&turn).await? {
            return Ok(stream);
        }
        let place = self.place(&turn).await?;
        let (events, mut rest) = mpsc::channel(EVENTS_AHEAD);
        let (bill, cost) = cost::bill();
        let supervisor = Supervisor {
            settings: Arc::clone(&self.inner.settings),
            pool: self.inner.pool.clone(),
            kept: Arc::clone(&self.inner.kept),
            turn: Some(Next { turn, events, bill }),
            place,
            stop: self.inner.stop.subscribe(),
        };
        tokio::spawn(supervisor.run());
        match rest.recv().await {
            Some(Ok(first)) => Ok(TurnStream { first: Some(first), rest, cost: Some(cost) }),
            Some(Err(error)) => Err(error),
            None => Err(Failure::Ended.into_error(None)),
        }
    }

    /// Starts to keep spares, as the settings have it; otherwise the first turn does. Within a tokio runtime.
    pub fn keep_spares(&self) {
        self.inner.pool.keep();
    }

    /// The turn in the process that has heard all but its last message, if there is one and it can take that.
    async fn go_on(&self, turn: &Arc<Turn>) -> Result<Option<TurnStream>, TurnError> {
        let Some(heard) = turn.before else { return Ok(None) };
        while let Some(process) = self.inner.kept.take(heard) {
            if turn.answers_calls() && turn.results().is_none() {
                // What was said beside the results, or a result that would arrive changed, is told to another one.
                continue;
            }
            let (events, mut rest) = mpsc::channel(EVENTS_AHEAD);
            let (bill, cost) = cost::bill();
            if process.send(Next { turn: Arc::clone(turn), events, bill }).is_err() {
                continue;
            }
            match rest.recv().await {
                Some(Ok(first)) => {
                    return Ok(Some(TurnStream { first: Some(first), rest, cost: Some(cost) }));
                }
                Some(Err(error)) => return Err(error),
                // It was gone.
                None => {}
            }
        }
        Ok(None)
    }

    /// Where the permission prompts of built-in tools are told and answered, if there are any.
    #[must_use]
    pub fn permissions(&self) -> Option<Permissions> {
        self.inner.settings.built_in.as_ref().map(|built_in| built_in.permissions.clone())
    }

    /// The processes by state.
    #[must_use]
    pub fn counts(&self) -> ProcessCounts {
        self.inner.gauge.read()
    }

    /// The turns answered so far.
    #[must_use]
    pub fn turns(&self) -> TurnCounts {
        self.inner.gauge.turns()
    }

    /// The usage windows of the Claude account, as far as the API has told the program.
    #[must_use]
    pub fn account_windows(&self) -> Vec<AccountWindow> {
        self.inner.settings.account_windows.current()
    }

    /// The program's version, asked once for each change of its file.
    ///
    /// # Errors
    /// When it does not start, does not answer or is older than the minimum.
    pub async fn version(&self) -> Result<Version, ProgramError> {
        let settings = &self.inner.settings;
        let unusable = |reason: String| ProgramError::Unusable { program: settings.program.clone(), reason };
        let file = tokio::fs::metadata(&settings.program).await.and_then(|found| found.modified());
        let changed = file.map_err(|error| unusable(error.to_string()))?;
        let mut known = self.inner.version.lock().await;
        if let Some((_, version)) = known.filter(|(at, _)| *at == changed) {
            return version.check();
        }
        settings.reported_models.forget();
        let spawner = self.inner.pool.spawner().map_err(|error| unusable(error.to_string()))?;
        *known = None;
        let printed = probe::output(settings, &spawner, &["--version"]).await?;
        let version = Version::parse(&printed).ok_or_else(|| unusable("it tells no version".into()))?;
        *known = Some((changed, version));
        version.check()
    }

    /// What the program says about its login.
    ///
    /// # Errors
    /// When it does not start or its answer can't be read.
    pub async fn auth_status(&self) -> Result<AuthStatus, ProgramError> {
        let settings = &self.inner.settings;
        let unusable = |reason: String| ProgramError::Unusable { program: settings.program.clone(), reason };
        let spawner = self.inner.pool.spawner().map_err(|error| unusable(error.to_string()))?;
        let printed = probe::output(settings, &spawner, &["auth", "status"]).await?;
        AuthStatus::parse(&printed).ok_or_else(|| unusable("its login state can't be read".into()))
    }

    /// How many input tokens the request has: exact for the messages, a few too many for a system prompt and for tools;
    /// an estimate from the length for few tools, and where the API refuses to count.
    ///
    /// # Errors
    /// As [`read_turn`](Self::read_turn) and [`start`](Self::start).
    pub async fn count_tokens(&self, messages_body: &[u8]) -> Result<u64, TurnError> {
        let turn = self.read_turn(&with_max_tokens(messages_body)?, "")?;
        self.ask(turn, Asks::Tokens).await
    }

    /// The models that the program offers, where a process has told them.
    #[must_use]
    pub fn known_models(&self) -> Option<Arc<[ReportedModel]>> {
        self.inner.settings.reported_models.known()
    }

    /// The same; a process is asked when none has told them since the program was last changed, and not again soon
    /// when that fails.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn models(&self) -> Result<Option<Arc<[ReportedModel]>>, TurnError> {
        let mut failed = self.inner.models_failed.lock().await;
        self.checked_version().await?;
        let rests = failed.is_some_and(|at| at.elapsed() < MODELS_AGAIN);
        if self.known_models().is_none() && !rests {
            let asked = self.ask(self.no_question()?, Asks::Itself).await;
            *failed = self.known_models().is_none().then(Instant::now);
            asked?;
        }
        Ok(self.known_models())
    }

    /// A turn to bind a process to, of the model that spares are kept for.
    fn no_question(&self) -> Result<Turn, ApiError> {
        let model = self.inner.settings.spares.default_model.as_deref().unwrap_or("sonnet");
        let model = serde_json::Value::from(model);
        let question =
            format!(r#"{{"model":{model},"max_tokens":1,"messages":[{{"role":"user","content":"-"}}]}}"#);
        self.read_turn(question.as_bytes(), "")
    }

    async fn ask(&self, turn: Turn, asks: Asks) -> Result<u64, TurnError> {
        let place = self.place(&turn).await?;
        let (answer, counted) = oneshot::channel();
        let count = Count {
            asks,
            settings: Arc::clone(&self.inner.settings),
            pool: self.inner.pool.clone(),
            turn,
            answer,
            place,
            stop: self.inner.stop.subscribe(),
        };
        tokio::spawn(count.run());
        counted.await.unwrap_or_else(|_| Err(Failure::Ended.into_error(None)))
    }

    /// Ends all turns (their streams get an error) and returns when every process is gone. Later turns are refused.
    pub async fn shutdown(&self) {
        self.inner.stop.send_replace(true);
        let all = u32::try_from(self.inner.settings.max_processes).unwrap_or(u32::MAX);
        let limit = self.inner.settings.hangup_grace + Duration::from_secs(5);
        if timeout(limit, self.inner.places.acquire_many(all)).await.is_err() {
            tracing::warn!(counts = ?self.counts(), "not every process of Claude Code ended in time");
        }
        self.inner.places.close();
    }

    /// A place among the processes, after a wait of limited length: a spare's, with the spare, if there is one.
    async fn place(&self, turn: &Turn) -> Result<Place, TurnError> {
        let inner = &self.inner;
        self.checked_version().await?;
        let mut counted = inner.gauge.enter(Phase::Queued);
        if !turn.is_rather_resumed(inner.settings.resumes_from(), true)
            && let Some(Taken { process, permit }) = inner.pool.spare(turn.model()).await
        {
            counted.becomes(Phase::Starting);
            return Ok(Place { counted, _permit: permit, spare: Some(process) });
        }
        let makes_room =
            inner.places.available_permits() == 0 && (inner.pool.make_room() || inner.kept.give_up_oldest());
        let permit = match Arc::clone(&inner.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if !makes_room && self.counts().queued > inner.settings.max_queued => {
                return Err(overloaded());
            }
            Err(_) => {
                let mut stop = inner.stop.subscribe();
                tokio::select! {
                    biased;
                    () = stopped(&mut stop) => return Err(Failure::ShuttingDown.into_error(None)),
                    waited = timeout(inner.settings.queue_timeout, self.freed_place(makes_room)) => {
                        waited.ok().flatten().ok_or_else(overloaded)?
                    }
                }
            }
        };
        if *inner.stop.borrow() {
            return Err(Failure::ShuttingDown.into_error(None));
        }
        counted.becomes(Phase::Starting);
        Ok(Place { counted, _permit: permit, spare: None })
    }

    /// The next free place; unless room was made already, a process that begins to wait meanwhile is given up for it.
    async fn freed_place(&self, mut made_room: bool) -> Option<OwnedSemaphorePermit> {
        let inner = &self.inner;
        let mut place = std::pin::pin!(Arc::clone(&inner.places).acquire_owned());
        loop {
            let grown = inner.kept.grown();
            made_room = made_room || inner.kept.give_up_oldest();
            tokio::select! {
                place = &mut place => return place.ok(),
                () = grown => {}
            }
        }
    }

    /// No turn is started with a program that is too old. One that can't even tell its version is not asked each time.
    async fn checked_version(&self) -> Result<(), TurnError> {
        let starts = self.inner.pool.starts();
        if self.inner.version.lock().await.is_none() {
            starts.admit().map_err(|refused| Failure::BackedOff(refused).into_error(None))?;
        }
        self.version().await.map(drop).map_err(|error| {
            let detail = error.to_string();
            let told = match error {
                ProgramError::TooOld { .. } => detail.clone(),
                _ => {
                    starts.failed(detail.clone());
                    "Claude Code can't be used; the server's log says why".into()
                }
            };
            TurnError { error: ApiError::new(ErrorKind::Api, told), detail }
        })
    }
}

fn overloaded() -> TurnError {
    let told = "all Claude Code processes are busy, try again shortly";
    ApiError::new(ErrorKind::Overloaded, told).with_retry_after(RETRY_AFTER).into()
}

/// A request for counting has no `max_tokens`; for the rest it is the same.
fn with_max_tokens(body: &[u8]) -> Result<Bytes, ApiError> {
    let body = Bytes::copy_from_slice(body);
    let malformed = |error: wire::json::Malformed| ApiError::invalid("", error.to_string());
    let [given] = peek::members(&body, ["max_tokens"]).map_err(malformed)?;
    if given.is_some() {
        return Ok(body);
    }
    Edit::new(&body).set("max_tokens", "1").finish().map_err(malformed)
}
