//! One spare: a started program that was told nothing of any conversation, and the task that sits with it.
//!
//! The program takes its system prompt from the *first* `initialize` and answers a second one with success without
//! effect: so a spare is never initialised. Empty flag settings are answered as soon as it has loaded and bind nothing:
//! their reply means ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::counts::{Counted, Phase};
use crate::process::{Ending, Process};
use crate::protocol::{Control, Incoming, control_line};
use crate::supervise::stopped;

/// A process with its place among the processes.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) process: Process,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The handle to a spare. Dropped, it ends the spare.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) model: String,
    ready: Arc<AtomicBool>,
    claim: oneshot::Sender<oneshot::Sender<Taken>>,
}

/// The task's side of a spare.
#[derive(Debug)]
pub(super) struct Sitter {
    pub(super) taken: Taken,
    pub(super) counted: Counted,
    pub(super) limits: Limits,
    pub(super) stop: watch::Receiver<bool>,
    ready: Arc<AtomicBool>,
    claimed: oneshot::Receiver<oneshot::Sender<Taken>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) start: Duration,
    pub(super) age: Duration,
    pub(super) grace: Duration,
}

/// Why a spare's wait is over.
enum Over {
    Claimed(oneshot::Sender<Taken>),
    /// Too old, dead or not wanted any more.
    Useless,
}

impl Spare {
    /// A spare out of a process that was just started; its sitter is yet to be run.
    pub(super) fn new(
        model: &str,
        taken: Taken,
        counted: Counted,
        limits: Limits,
        stop: watch::Receiver<bool>,
    ) -> (Self, Sitter) {
        let (claim, claimed) = oneshot::channel();
        let ready = Arc::new(AtomicBool::new(false));
        let spare = Self { model: model.to_owned(), ready: Arc::clone(&ready), claim };
        (spare, Sitter { taken, counted, limits, stop, ready, claimed })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether the process is still there.
    pub(super) fn is_alive(&self) -> bool {
        !self.claim.is_closed()
    }

    /// The process, unless it died in this moment.
    pub(super) async fn claim(self) -> Option<Taken> {
        let (reply, taken) = oneshot::channel();
        self.claim.send(reply).ok()?;
        taken.await.ok()
    }
}

impl Sitter {
    /// Sits with the spare until it is claimed or useless. `ready` is told once it has loaded, or is dropped.
    pub(super) async fn run(mut self, ready: oneshot::Sender<()>) {
        let over = self.wait(ready).await;
        let Self { taken: Taken { mut process, permit }, counted, limits, .. } = self;
        process.becomes_taken();
        let mut taken = Taken { process, permit };
        if let Over::Claimed(reply) = over {
            drop(counted);
            match reply.send(taken) {
                Ok(()) => return,
                // Whoever claimed it went away in this moment.
                Err(back) => taken = back,
            }
        }
        // It has done nothing that it could need time to finish.
        taken.process.end(Ending::AtOnce, limits.grace).await;
        drop(taken.permit);
    }

    async fn wait(&mut self, ready: oneshot::Sender<()>) -> Over {
        let (start, age) = (self.limits.start, self.limits.age);
        let sat = async {
            tokio::select! {
                biased;
                claim = &mut self.claimed => claim.map_or(Over::Useless, Over::Claimed),
                () = stopped(&mut self.stop) => Over::Useless,
                () = tokio::time::sleep(age) => Over::Useless,
                () = listen(&mut self.taken.process, start, &self.ready, &mut self.counted, ready) => Over::Useless,
            }
        };
        sat.await
    }
}

/// Reads what the program says until it ends, or until it has been silent for too long at its start.
async fn listen(
    process: &mut Process,
    limit: Duration,
    ready: &AtomicBool,
    counted: &mut Counted,
    tell: oneshot::Sender<()>,
) {
    if !matches!(tokio::time::timeout(limit, loaded(process)).await, Ok(true)) {
        return;
    }
    ready.store(true, Ordering::Relaxed);
    counted.becomes(Phase::Spare);
    // Whoever waited may have gone.
    let _ = tell.send(());
    while let Ok(Some(_)) = process.next_line().await {}
}

/// Waits for the reply to settings that set nothing; `false` when the process ended.
async fn loaded(process: &mut Process) -> bool {
    let id = uuid::Uuid::new_v4().to_string();
    let Ok(line) = control_line(&id, Control::settings([])) else { return false };
    process.send(line);
    while let Ok(Some(line)) = process.next_line().await {
        if matches!(Incoming::parse(&line), Incoming::Reply(reply) if reply.request_id == id) {
            return true;
        }
    }
    false
}
