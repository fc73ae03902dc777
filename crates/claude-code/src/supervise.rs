//! The task that owns a process from its start until nothing is left of it, through all turns of its conversation:
//! dropping the reader's end is all that a caller has to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;

use crate::counts::{Counted, Phase, Way};
use crate::errors::{Failure, described};
use crate::kept::{Kept, Next, Waiting};
use crate::pool::Pool;
use crate::process::{Ending, Process};
use crate::relay::Then;
use crate::session::{Finished, Session, deliver, interrupt};
use crate::settings::Settings;

/// Everything that belongs to one process and the turn it runs.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) settings: Arc<Settings>,
    pub(crate) pool: Pool,
    pub(crate) kept: Arc<Kept>,
    /// The turn that runs; none between two of them.
    pub(crate) turn: Option<Next>,
    pub(crate) place: Place,
    /// Becomes true when the driver shuts down.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A place among the processes, given back when nothing is left of this one.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) counted: Counted,
    pub(crate) _permit: OwnedSemaphorePermit,
    /// The spare that had this place before.
    pub(crate) spare: Option<Process>,
}

/// How it went with a process.
enum Outcome {
    /// Nobody waits for anything; the process may take its time.
    Over,
    /// It must do nothing more.
    Dismissed,
    Failed(Failure),
    GivenUp,
}

impl Supervisor {
    pub(crate) async fn run(mut self) {
        let Some(turn) = self.turn.as_ref().map(|next| Arc::clone(&next.turn)) else { return };
        let mut process = match self.pool.take(&turn, &mut self.place).await {
            Ok(process) => process,
            Err(failure) => return self.tell(failure).await,
        };
        let mut outcome = self.serve(&mut process).await;
        let not_resumed = matches!(outcome, Outcome::Failed(Failure::NotResumed));
        let dead_spare = matches!(outcome, Outcome::Failed(_)) && process.was_dead_spare();
        if not_resumed || (dead_spare && !process.may_have_read_all().await) {
            // It did not take its transcript, or it was killed between two looks at it; nothing was asked upstream.
            let exit = process.end(Ending::AtOnce, self.settings.hangup_grace).await;
            if not_resumed {
                tracing::warn!(
                    exit = described(&exit),
                    "a conversation could not be resumed and is fed instead"
                );
            }
            process = match self.pool.replace(turn.model()).await {
                Ok(process) => process,
                Err(failure) => return self.tell(failure).await,
            };
            outcome = self.serve(&mut process).await;
        }
        self.end(process, outcome).await;
    }

    async fn end(mut self, process: Process, outcome: Outcome) {
        self.place.counted.becomes(Phase::Ending);
        let grace = self.settings.hangup_grace;
        let Self { turn, place, .. } = self;
        match outcome {
            Outcome::Over => drop(process.end(Ending::Polite, grace).await),
            Outcome::Dismissed => drop(process.end(Ending::AtOnce, grace).await),
            Outcome::GivenUp => {
                interrupt(&process);
                process.end(Ending::Polite, grace).await;
            }
            Outcome::Failed(failure @ (Failure::Refused { .. } | Failure::ShuttingDown)) => {
                interrupt(&process);
                let end = async move {
                    process.end(Ending::Polite, grace).await;
                    drop(place);
                };
                tokio::join!(tell(turn, failure.into_error(None)), end);
            }
            Outcome::Failed(failure) => {
                interrupt(&process);
                let exit = process.end(Ending::Polite, grace).await;
                drop(place);
                tell(turn, failure.into_error(Some(&exit))).await;
            }
        }
    }

    /// Turn after turn, until the conversation does not go on here.
    async fn serve(&mut self, process: &mut Process) -> Outcome {
        let settings = Arc::clone(&self.settings);
        let mut session = Session::new(process, &settings);
        let mut first = true;
        loop {
            let finished = match self.watch(&mut session, first).await {
                Ok(finished) => finished,
                Err(Outcome::Failed(failure)) if !first => {
                    if !session.is_unasked_after(&failure).await {
                        return Outcome::Failed(failure);
                    }
                    // Found dead when it was to go on: without a word, the turn is told to another one.
                    self.turn = None;
                    return Outcome::Dismissed;
                }
                Err(outcome) => return outcome,
            };
            self.count(&session, first);
            first = false;
            let goes_on = matches!(finished.then, Then::GoesOn | Then::Waits(_));
            let Some((waiting, limit)) = self.keep(&mut session, finished).await else {
                return if goes_on { Outcome::Dismissed } else { Outcome::Over };
            };
            match self.wait(&mut session, waiting, limit).await {
                Some(next) => self.turn = Some(next),
                None => return Outcome::Dismissed,
            }
        }
    }

    /// Counts the turn that was just answered.
    fn count(&self, session: &Session<'_>, first: bool) {
        let Some(Next { turn, .. }) = &self.turn else { return };
        self.place.counted.answered(match (first, session.process.told()) {
            (false, _) => Way::Continued,
            (true, 1..) => Way::Resumed,
            (true, 0) if turn.history.is_empty() => Way::First,
            (true, 0) => Way::Fed,
        });
    }

    /// One answer, until it is over or nobody wants it any more.
    async fn watch(&mut self, session: &mut Session<'_>, first: bool) -> Result<Finished, Outcome> {
        let Some(Next { turn, events, bill }) = &self.turn else { return Err(Outcome::Over) };
        session.process.spending.owe(bill.clone());
        let counted = &mut self.place.counted;
        let answer = async {
            if first {
                session.run(turn, events, counted).await
            } else {
                counted.becomes(Phase::Asked);
                session.go_on(turn, events, counted).await
            }
        };
        tokio::select! {
            biased;
            () = events.closed() => Err(Outcome::GivenUp),
            () = stopped(&mut self.stop) => Err(Outcome::Failed(Failure::ShuttingDown)),
            result = answer => result.map_err(Outcome::Failed),
        }
    }

    /// Ends the caller's stream. Before that, the process is made known to the next request of the conversation, or
    /// killed when it would go on by itself.
    async fn keep(&mut self, session: &mut Session<'_>, finished: Finished) -> Option<(Waiting, Duration)> {
        let Next { turn, events, .. } = self.turn.take()?;
        let Finished { last, then, said } = finished;
        session.open.after(&then);
        let (phase, limit) = match then {
            Then::Waits(_) => (Phase::Held, self.settings.hold_time),
            Then::Rests => (Phase::Idle, self.settings.idle_time),
            Then::Ends | Then::GoesOn => (Phase::Ending, Duration::ZERO),
        };
        let pressed = phase == Phase::Idle && self.place.counted.others_queue();
        let fit = !limit.is_zero() && !pressed && self.pool.health().fit_to_stay(session.process).await;
        let heard = if fit { said.after(turn.asked) } else { None };
        let waiting = heard.map(|heard| {
            self.place.counted.becomes(phase);
            self.kept.put(heard, phase == Phase::Held)
        });
        if waiting.is_none() && matches!(then, Then::Waits(_) | Then::GoesOn) {
            session.process.kill();
        }
        tokio::select! {
            biased;
            () = deliver(&events, last) => {}
            () = stopped(&mut self.stop) => {}
        }
        Some((waiting?, limit))
    }

    /// The conversation's next turn, if it comes in time and the place is not needed before.
    async fn wait(
        &mut self,
        session: &mut Session<'_>,
        mut waiting: Waiting,
        limit: Duration,
    ) -> Option<Next> {
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => None,
            next = &mut waiting.next => next.ok(),
            () = sleep(limit) => None,
            failure = session.rest() => {
                tracing::debug!(?failure, "a process that waited is gone");
                None
            }
        }
    }

    async fn tell(self, failure: Failure) {
        let Self { turn, place, .. } = self;
        drop(place);
        tell(turn, failure.into_error(None)).await;
    }
}

async fn tell(turn: Option<Next>, error: crate::TurnError) {
    tracing::debug!(status = error.error.status, detail = %error.detail, "a turn failed");
    // When the caller is gone there is nobody to tell.
    if let Some(Next { events, .. }) = turn {
        drop(events.send(Err(error)).await);
    }
}

/// Resolves when the driver shuts down; never when the driver is merely gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
