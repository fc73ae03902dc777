//! The task that owns a turn's process from its start until nothing is left of it: dropping the reader's end is all that
//! a caller has to do.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::counts::{Counted, Phase};
use crate::errors::Failure;
use crate::process::{Ending, Process};
use crate::session::{Finished, Session, interrupt};
use crate::settings::Settings;
use crate::spawner::Spawner;
use crate::stream::Item;
use crate::turn::Turn;

/// Everything that belongs to one running turn.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) settings: Arc<Settings>,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) turn: Turn,
    /// The other end is the caller's stream.
    pub(crate) events: mpsc::Sender<Item>,
    pub(crate) place: Place,
    /// Becomes true when the driver shuts down.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A place among the processes, given back when nothing is left of this one.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) counted: Counted,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// How a turn went.
enum Outcome {
    Finished(Finished),
    Failed(Failure),
    GivenUp,
}

impl Supervisor {
    pub(crate) async fn run(mut self) {
        let started = Process::start(&self.settings, &self.spawner, self.turn.model()).await;
        let mut process = match started {
            Ok(process) => process,
            Err(error) => return self.tell(Failure::Start(error)).await,
        };
        let outcome = self.watch(&mut process).await;
        self.place.counted.becomes(Phase::Ending);
        let grace = self.settings.hangup_grace;
        match outcome {
            Outcome::Finished(Finished { killed }) => {
                // The caller's stream ends now; the process may take its time.
                drop(self.events);
                let ending = if killed { Ending::AtOnce } else { Ending::Polite };
                process.end(ending, grace).await;
            }
            Outcome::GivenUp => {
                interrupt(&process);
                process.end(Ending::Polite, grace).await;
            }
            Outcome::Failed(failure @ (Failure::Refused { .. } | Failure::ShuttingDown)) => {
                let (events, place) = (self.events, self.place);
                interrupt(&process);
                let end = async move {
                    process.end(Ending::Polite, grace).await;
                    drop(place);
                };
                tokio::join!(tell(events, failure.into_error(None)), end);
            }
            Outcome::Failed(failure) => {
                interrupt(&process);
                let exit = process.end(Ending::Polite, grace).await;
                drop(self.place);
                tell(self.events, failure.into_error(Some(&exit))).await;
            }
        }
    }

    /// The turn, until it is over or nobody wants it any more.
    async fn watch(&mut self, process: &mut Process) -> Outcome {
        let mut session = Session { process, settings: &self.settings };
        let turn = session.run(&self.turn, &self.events, &mut self.place.counted);
        tokio::select! {
            biased;
            () = self.events.closed() => Outcome::GivenUp,
            () = stopped(&mut self.stop) => Outcome::Failed(Failure::ShuttingDown),
            result = turn => match result {
                Ok(finished) => Outcome::Finished(finished),
                Err(failure) => Outcome::Failed(failure),
            },
        }
    }

    async fn tell(self, failure: Failure) {
        let Self { events, place, .. } = self;
        drop(place);
        tell(events, failure.into_error(None)).await;
    }
}

async fn tell(events: mpsc::Sender<Item>, error: crate::TurnError) {
    tracing::debug!(status = error.error.status, detail = %error.detail, "a turn failed");
    // When the caller is gone there is nobody to tell.
    drop(events.send(Err(error)).await);
}

/// Resolves when the driver shuts down; never when the driver is merely gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
