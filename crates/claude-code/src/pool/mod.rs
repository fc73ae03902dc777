//! Warm spares: programs that were started before anyone asked, one pool per model. Whoever takes one binds it to the
//! conversation; it never comes back.
//!
//! Keeps two promises: a spare has served nobody, and it never takes a place that a request needs.

mod backoff;
mod demand;
mod health;
mod keeper;
mod memory;
mod register;
mod shelf;
mod spare;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore, watch};

pub(crate) use backoff::{BackedOff, Backoff};
pub(crate) use health::Health;
pub(crate) use register::{Entry, Register};
pub(crate) use spare::Taken;

use crate::counts::Gauge;
use crate::errors::Failure;
use crate::kept::Kept;
use crate::process::Process;
use crate::settings::Settings;
use crate::spawner::Spawner;
use crate::supervise::Place;
use crate::transcript::Transcript;
use crate::turn::Turn;

/// Where processes come from. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Arc<Settings>,
    spawner: OnceLock<Arc<Spawner>>,
    places: Arc<Semaphore>,
    gauge: Arc<Gauge>,
    register: Arc<Register>,
    shelf: shelf::Shelf,
    /// The processes that wait for their conversation: given up for want of memory when no spare is left.
    kept: Arc<Kept>,
    demand: Mutex<demand::Demand>,
    /// Something changed: the keeper looks again.
    wishes: Arc<Notify>,
    is_kept: AtomicBool,
    stop: watch::Sender<bool>,
}

impl Pool {
    /// A pool whose processes take their places among `places`. Starts nothing yet.
    pub(crate) fn new(
        settings: Arc<Settings>,
        places: Arc<Semaphore>,
        gauge: Arc<Gauge>,
        kept: Arc<Kept>,
        stop: watch::Sender<bool>,
    ) -> Self {
        let inner = Inner {
            settings,
            spawner: OnceLock::new(),
            places,
            gauge,
            register: Arc::default(),
            shelf: shelf::Shelf::default(),
            kept,
            demand: Mutex::default(),
            wishes: Arc::default(),
            is_kept: AtomicBool::new(false),
            stop,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts to keep spares and the limit on memory, if the settings ask for any. Further calls do nothing.
    pub(crate) fn keep(&self) {
        let spares = &self.inner.settings.spares;
        let wanted = spares.max_idle > 0 || spares.max_memory_bytes.is_some();
        if wanted && !self.inner.is_kept.swap(true, Ordering::Relaxed) {
            let (wishes, stop) = (Arc::clone(&self.inner.wishes), self.inner.stop.subscribe());
            tokio::spawn(keeper::keep(Arc::downgrade(&self.inner), wishes, stop));
        }
    }

    /// A live spare of this model with the place it has, if there is one.
    pub(crate) async fn spare(&self, model: &str) -> Option<Taken> {
        loop {
            let spare = self.inner.shelf.take(model)?;
            // One that died in this moment is followed by the next.
            if let Some(taken) = spare.claim().await {
                return Some(taken);
            }
        }
    }

    /// Gives a spare up, for a request that finds no free place. Its place is free when it is gone.
    /// `false` when there is none.
    pub(crate) fn make_room(&self) -> bool {
        self.inner.make_room()
    }

    /// The limits under which a process may stay for its conversation's next request.
    pub(crate) fn health(&self) -> Health {
        Health::new(&self.inner.settings)
    }

    /// The process of a turn: the spare that came with its place, else a new one.
    pub(crate) async fn take(&self, turn: &Turn, place: &mut Place) -> Result<Process, Failure> {
        let from_turns = self.inner.settings.resumes_from();
        if !turn.is_rather_resumed(from_turns, true) {
            self.inner.demand().taken(turn.model(), Instant::now());
        }
        self.keep();
        self.inner.wishes.notify_one();
        match place.spare.take() {
            Some(process) => Ok(process),
            None => Self::fresh(&self.inner, turn.model(), turn.transcript(from_turns)).await,
        }
    }

    /// A new process instead of a spare that turned out to be dead.
    pub(crate) async fn replace(&self, model: &str) -> Result<Process, Failure> {
        Self::fresh(&self.inner, model, None).await
    }

    /// How starts went lately.
    pub(crate) fn starts(&self) -> &Backoff {
        &self.inner.register.starts
    }

    /// The thread that starts processes.
    pub(crate) fn spawner(&self) -> std::io::Result<Arc<Spawner>> {
        self.inner.spawner()
    }

    async fn fresh(
        inner: &Arc<Inner>,
        model: &str,
        transcript: Option<Transcript<'_>>,
    ) -> Result<Process, Failure> {
        inner.register.starts.admit().map_err(Failure::BackedOff)?;
        let spawner = inner.spawner().map_err(Failure::Start)?;
        let started = Process::start(&inner.settings, &spawner, model, transcript).await;
        let mut process = started.map_err(|error| {
            inner.register.starts.failed(error.to_string());
            Failure::Start(error)
        })?;
        process.enlist(|group| inner.register.enter(group, inner.settings.start_timeout));
        Ok(process)
    }
}

/// The keeper sees that there is nothing to keep any more.
impl Drop for Inner {
    fn drop(&mut self) {
        self.wishes.notify_one();
    }
}

impl Inner {
    fn make_room(&self) -> bool {
        self.shelf.least_wanted(&self.wanted()).is_some()
    }

    fn wanted(&self) -> Vec<(String, usize)> {
        let spares = &self.settings.spares;
        let max_idle = spares.max_idle.min(self.settings.max_processes);
        self.demand().wanted(spares.default_model.as_deref(), spares.min_idle, max_idle, Instant::now())
    }

    fn demand(&self) -> std::sync::MutexGuard<'_, demand::Demand> {
        self.demand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawner(&self) -> std::io::Result<Arc<Spawner>> {
        if let Some(spawner) = self.spawner.get() {
            return Ok(Arc::clone(spawner));
        }
        let made = Arc::new(Spawner::new()?);
        Ok(Arc::clone(self.spawner.get_or_init(|| made)))
    }
}
