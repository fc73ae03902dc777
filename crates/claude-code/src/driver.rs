//! The front door: reads turns, starts them within the limits, ends everything.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use messages::{ApiError, ErrorKind};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use wire::json::{edit::Edit, peek};

use crate::account::AuthStatus;
use crate::counts::{Gauge, Phase, ProcessCounts};
use crate::env;
use crate::errors::{Failure, TurnError};
use crate::probe;
use crate::program::{ProgramError, Version};
use crate::scratch::Scratch;
use crate::settings::{Settings, SetupError};
use crate::spawner::Spawner;
use crate::stream::TurnStream;
use crate::supervise::{Place, Supervisor, stopped};
use crate::tokens::Count;
use crate::turn::Turn;

/// Events on their way to a slow reader; past that the program waits.
const EVENTS_AHEAD: usize = 64;
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
    spawner: OnceLock<Arc<Spawner>>,
    places: Arc<Semaphore>,
    gauge: Arc<Gauge>,
    stop: watch::Sender<bool>,
    /// The version found, and the state of the file it was found in.
    version: Mutex<Option<(SystemTime, Version)>>,
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
        Scratch::prepare_root(&settings.scratch_root)?;
        Ok(Self {
            inner: Arc::new(Inner {
                places: Arc::new(Semaphore::new(settings.max_processes)),
                settings: Arc::new(settings),
                spawner: OnceLock::new(),
                gauge: Arc::default(),
                stop: watch::Sender::new(false),
                version: Mutex::new(None),
            }),
        })
    }

    /// Reads and checks a Messages request body.
    ///
    /// # Errors
    /// A 400 naming the JSON path of what is wrong or can't be carried by this backend.
    pub fn read_turn(&self, messages_body: &[u8]) -> Result<Turn, ApiError> {
        Turn::read(messages_body, self.inner.settings.credentials)
    }

    /// Starts a turn; resolves when its first event is there. Dropping the future gives the turn up.
    ///
    /// # Errors
    /// Whatever ended the turn before its first event, refusal for lack of a free place (529) included.
    pub async fn start(&self, turn: Turn) -> Result<TurnStream, TurnError> {
        let place = self.place().await?;
        let (events, mut rest) = mpsc::channel(EVENTS_AHEAD);
        let supervisor = Supervisor {
            settings: Arc::clone(&self.inner.settings),
            spawner: self.spawner().map_err(not_started)?,
            turn,
            events,
            place,
            stop: self.inner.stop.subscribe(),
        };
        tokio::spawn(supervisor.run());
        match rest.recv().await {
            Some(Ok(first)) => Ok(TurnStream { first: Some(first), rest }),
            Some(Err(error)) => Err(error),
            None => Err(Failure::Ended.into_error(None)),
        }
    }

    /// The processes by state.
    #[must_use]
    pub fn counts(&self) -> ProcessCounts {
        self.inner.gauge.read()
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
        let spawner = self.spawner().map_err(|error| unusable(error.to_string()))?;
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
        let spawner = self.spawner().map_err(|error| unusable(error.to_string()))?;
        let printed = probe::output(settings, &spawner, &["auth", "status"]).await?;
        AuthStatus::parse(&printed).ok_or_else(|| unusable("its login state can't be read".into()))
    }

    /// How many input tokens the request has: exact for the messages, a few too many for a system prompt; an estimate
    /// from the length where the API refuses to count.
    ///
    /// # Errors
    /// As [`read_turn`](Self::read_turn) and [`start`](Self::start).
    pub async fn count_tokens(&self, messages_body: &[u8]) -> Result<u64, TurnError> {
        let turn = self.read_turn(&with_max_tokens(messages_body)?)?;
        let place = self.place().await?;
        let (answer, counted) = oneshot::channel();
        let count = Count {
            settings: Arc::clone(&self.inner.settings),
            spawner: self.spawner().map_err(not_started)?,
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
        Scratch::forget_root(&self.inner.settings.scratch_root);
    }

    /// A place among the processes, after a wait of limited length.
    async fn place(&self) -> Result<Place, TurnError> {
        let inner = &self.inner;
        self.checked_version().await?;
        let mut counted = inner.gauge.enter(Phase::Queued);
        let permit = match Arc::clone(&inner.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.counts().queued > inner.settings.max_queued => return Err(overloaded()),
            Err(_) => {
                let mut stop = inner.stop.subscribe();
                tokio::select! {
                    biased;
                    () = stopped(&mut stop) => return Err(Failure::ShuttingDown.into_error(None)),
                    waited = timeout(inner.settings.queue_timeout, Arc::clone(&inner.places).acquire_owned()) => {
                        waited.ok().and_then(Result::ok).ok_or_else(overloaded)?
                    }
                }
            }
        };
        if *inner.stop.borrow() {
            return Err(Failure::ShuttingDown.into_error(None));
        }
        counted.becomes(Phase::Starting);
        Ok(Place { counted, _permit: permit })
    }

    /// No turn is started with a program that is too old.
    async fn checked_version(&self) -> Result<(), TurnError> {
        self.version().await.map(drop).map_err(|error| {
            let detail = error.to_string();
            let told = match error {
                ProgramError::TooOld { .. } => detail.clone(),
                _ => "Claude Code can't be used; the server's log says why".into(),
            };
            TurnError { error: ApiError::new(ErrorKind::Api, told), detail }
        })
    }

    fn spawner(&self) -> io::Result<Arc<Spawner>> {
        if let Some(spawner) = self.inner.spawner.get() {
            return Ok(Arc::clone(spawner));
        }
        let made = Arc::new(Spawner::new()?);
        Ok(Arc::clone(self.inner.spawner.get_or_init(|| made)))
    }
}

fn not_started(error: io::Error) -> TurnError {
    Failure::Start(error).into_error(None)
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
