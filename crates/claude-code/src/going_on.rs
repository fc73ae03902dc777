//! Going on in a process that has answered before: what its last answer left open is brought to rest, then only the
//! caller's new message is sent, or the results of the calls that wait.

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::counts::Counted;
use crate::errors::Failure;
use crate::protocol::{Control, Incoming};
use crate::relay::Then;
use crate::session::{Finished, Progress, Session};
use crate::stream::Item;
use crate::tools::{Call, ToolResult};
use crate::turn::Turn;

/// What an answer left open.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// The next call upstream would lead nowhere.
    pub(crate) forbidden: bool,
    /// The program has yet to say that the turn is over.
    ending: bool,
    /// It has said so already.
    over: bool,
    /// The calls in the answer, by id.
    calls: Vec<String>,
    /// Those that the program has made, each with the request that waits.
    made: Vec<(String, Call)>,
}

impl Open {
    /// The program made a call.
    pub(crate) fn waits(&mut self, request_id: String, call: Call) {
        self.made.push((request_id, call));
    }

    /// After an answer.
    pub(crate) fn after(&mut self, then: &Then) {
        match then {
            Then::Waits(calls) => self.calls.clone_from(calls),
            Then::Rests | Then::Ends | Then::GoesOn => self.ending = !std::mem::take(&mut self.over),
        }
    }

    /// The program has said that the turn is over.
    pub(crate) const fn is_over(&mut self) {
        self.over = true;
    }

    fn is_made(&self, id: &str) -> bool {
        self.made.iter().any(|(_, call)| call.tool_use_id == id)
    }

    fn all_made(&self) -> bool {
        self.calls.iter().all(|id| self.is_made(id))
    }

    fn answered(&mut self, id: &str) -> Option<(String, Call)> {
        let at = self.made.iter().position(|(_, call)| call.tool_use_id == id)?;
        self.calls.retain(|call| call != id);
        Some(self.made.swap_remove(at))
    }
}

impl Session<'_> {
    /// Whether the model can't have been asked the running turn, now that it failed like this.
    pub(crate) async fn is_unasked_after(&mut self, failure: &Failure) -> bool {
        match (self.progress, failure) {
            (Progress::Unasked, _) => failure.is_of_the_process(),
            (Progress::Asked, Failure::Ended) => !self.process.may_have_read_all().await,
            _ => false,
        }
    }

    /// One more turn of the same conversation.
    pub(crate) async fn go_on(
        &mut self,
        turn: &Turn,
        events: &mpsc::Sender<Item>,
        counted: &mut Counted,
    ) -> Result<Finished, Failure> {
        self.progress = Progress::Unasked;
        // Built-in tools may run before the last call is made.
        let limit = match self.agent {
            None => self.settings.start_timeout,
            Some(_) => self.settings.start_timeout.max(self.settings.silence_timeout),
        };
        let asked = async {
            self.settle().await?;
            self.apply(turn)?;
            if self.open.calls.is_empty() {
                self.progress = Progress::Asked;
                return self.say(turn, true);
            }
            let results = turn.results().ok_or_else(|| Failure::Broken("no results".into()))?;
            self.answer_calls(results).await
        };
        timeout(limit, asked).await.map_err(|_| Failure::StartTimeout(limit))??;
        self.relay(events, counted).await
    }

    /// Reads on after an answer until the process is gone or in a state that can't be gone on from: tells why.
    pub(crate) async fn rest(&mut self) -> Failure {
        if let Err(failure) = self.settle().await {
            return failure;
        }
        loop {
            match self.next().await {
                Ok(Incoming::Result(_)) => return Failure::Ended,
                Ok(_) => {}
                Err(failure) => return failure,
            }
        }
    }

    /// Waits until the program has made all calls of its answer, or said that the turn is over; then it may call
    /// upstream again. Can be given up and begun again at any point.
    async fn settle(&mut self) -> Result<(), Failure> {
        while self.open.ending || (!self.open.all_made() && self.agent.is_none()) {
            match self.next().await? {
                // It answered a call itself: no such tool.
                Incoming::Result(_) if !self.open.ending => return Err(Failure::Ended),
                Incoming::Result(_) => self.open.ending = false,
                _ => {}
            }
        }
        if self.open.forbidden {
            let address = self.address.clone();
            self.control(Control::settings([address.given()])).await?;
            self.open.forbidden = false;
        }
        Ok(())
    }

    /// Answers the calls in the caller's order, one after the other: upstream they stand in the order in which the
    /// program took them. Where it has tools of its own, one of them may have to run between two calls, and an answer
    /// before it.
    async fn answer_calls(&mut self, mut results: Vec<ToolResult>) -> Result<(), Failure> {
        while !results.is_empty() {
            let made = results.iter().position(|result| self.open.is_made(&result.tool_use_id));
            if made.is_none() && self.agent.is_some() {
                match self.next().await? {
                    Incoming::Result(_) => return Err(Failure::Ended),
                    _ => continue,
                }
            }
            let result = results.remove(made.unwrap_or_default());
            let (request_id, call) = self.open.answered(&result.tool_use_id).ok_or(Failure::Ended)?;
            if self.open.calls.is_empty() {
                // With the last result the program asks the model.
                self.progress = Progress::Asked;
            }
            self.send_answer(&request_id, &call.answered(&result.json))?;
            while !self.open.calls.is_empty() {
                match self.next().await? {
                    Incoming::ResultsTaken(ids) if ids.contains(&result.tool_use_id) => break,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
