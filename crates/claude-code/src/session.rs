//! The conversation with one process: make it ready, ask, relay. Every wait has a limit.

use bytes::Bytes;
use messages::RawEvent;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::counts::{Counted, Phase};
use crate::errors::Failure;
use crate::process::Process;
use crate::protocol::{Control, Incoming, control_line, user_line};
use crate::relay::{Relay, Step};
use crate::settings::Settings;
use crate::stream::Item;
use crate::tokens;
use crate::turn::Turn;

/// An address that nothing can listen on.
const NOWHERE: &str = "http://127.0.0.1:0";

/// A process and the limits on it.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) process: &'a mut Process,
    pub(crate) settings: &'a Settings,
}

/// A turn that came to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The process was killed, because it would have called upstream again.
    pub(crate) killed: bool,
}

impl Session<'_> {
    /// The whole turn.
    pub(crate) async fn run(
        &mut self,
        turn: &Turn,
        events: &mpsc::Sender<Item>,
        counted: &mut Counted,
    ) -> Result<Finished, Failure> {
        self.bind(turn).await?;
        self.feed(turn).await?;
        counted.becomes(Phase::Running);
        self.say(turn, true)?;
        self.relay(events).await
    }

    /// Binds the process to the conversation's system prompt and parameters.
    pub(crate) async fn bind(&mut self, turn: &Turn) -> Result<(), Failure> {
        let limit = self.settings.start_timeout;
        let bound = async {
            self.control(Control::initialize(&turn.system)).await?;
            let env = turn.settings.iter().map(|(name, value)| (*name, value.as_str()));
            self.control(Control::settings(env)).await
        };
        timeout(limit, bound).await.map_err(|_| Failure::StartTimeout(limit))?.map(drop)
    }

    /// Tells the history, paced: unpaced, the order of the messages breaks.
    pub(crate) async fn feed(&mut self, turn: &Turn) -> Result<(), Failure> {
        for line in &turn.history {
            self.process.send(line.json.clone());
            if line.answered {
                self.taken().await?;
            }
        }
        Ok(())
    }

    /// Counts the input tokens of the whole conversation, the question included.
    pub(crate) async fn count(&mut self, turn: &Turn) -> Result<u64, Failure> {
        self.bind(turn).await?;
        self.feed(turn).await?;
        self.say(turn, false)?;
        self.taken().await?;
        let limit = self.settings.silence_timeout;
        let usage = self.control(Control::GetContextUsage);
        let usage = timeout(limit, usage).await.map_err(|_| Failure::Silent(limit))??;
        tokens::input_tokens(usage.as_deref()).ok_or_else(|| Failure::Broken("no token counts".into()))
    }

    /// Sends the last message, asking for an answer or not.
    fn say(&self, turn: &Turn, asks: bool) -> Result<(), Failure> {
        let line = user_line(&turn.last, asks).map_err(|error| Failure::Broken(error.to_string()))?;
        self.process.send(line);
        Ok(())
    }

    /// Waits until a message of the history was taken.
    pub(crate) async fn taken(&mut self) -> Result<(), Failure> {
        let limit = self.settings.start_timeout;
        let result = async {
            loop {
                if let Incoming::Result(result) = self.next().await? {
                    return Ok(result);
                }
            }
        };
        match timeout(limit, result).await.map_err(|_| Failure::StartTimeout(limit))?? {
            result if result.is_error => {
                Err(Failure::Refused { result, class: String::new(), retry_after: None })
            }
            _ => Ok(()),
        }
    }

    /// Sends a control request and waits for its reply; the caller sets the limit.
    pub(crate) async fn control(&mut self, request: Control<'_>) -> Result<Option<Bytes>, Failure> {
        let id = self.request(request)?;
        loop {
            match self.next().await? {
                Incoming::Reply(reply) if reply.request_id == id => {
                    return reply.outcome.map_err(Failure::Control);
                }
                _ => {}
            }
        }
    }

    /// Sends a control request whose reply does not matter.
    pub(crate) fn request(&self, request: Control<'_>) -> Result<String, Failure> {
        let id = uuid::Uuid::new_v4().to_string();
        let line = control_line(&id, request).map_err(|error| Failure::Broken(error.to_string()))?;
        self.process.send(line);
        Ok(id)
    }

    async fn next(&mut self) -> Result<Incoming, Failure> {
        let line = self.process.next_line().await.map_err(|error| Failure::Broken(error.to_string()))?;
        line.map(|line| Incoming::parse(&line)).ok_or(Failure::Ended)
    }

    async fn relay(&mut self, events: &mpsc::Sender<Item>) -> Result<Finished, Failure> {
        let limit = self.settings.silence_timeout;
        let mut relay = Relay::default();
        loop {
            let line = timeout(limit, self.next()).await.map_err(|_| Failure::Silent(limit))??;
            match relay.take(line) {
                Step::Wait => {}
                Step::Forward(event) => {
                    if event.name == "message_start" {
                        self.forbid_another_call()?;
                    }
                    deliver(events, event).await;
                }
                Step::Finish { last, would_go_on } => {
                    if would_go_on {
                        self.process.kill();
                    }
                    deliver(events, last).await;
                    return Ok(Finished { killed: would_go_on });
                }
                Step::Fail(failure) => return Err(failure),
            }
        }
    }

    /// One request is one call upstream. After an answer that met its token limit or has no text the program calls
    /// again by itself, and no setting says no: so the address of the next call, if there is one, leads nowhere. A
    /// short answer can be over before this takes effect: then killing the process is fast enough.
    fn forbid_another_call(&self) -> Result<(), Failure> {
        let names = ["ANTHROPIC_BASE_URL", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL"];
        self.request(Control::settings(names.map(|name| (name, NOWHERE)))).map(drop)
    }
}

/// When nobody listens any more, whoever watches over this turn ends it.
async fn deliver(events: &mpsc::Sender<Item>, event: RawEvent) {
    drop(events.send(Ok(event)).await);
}

/// Tells the program to give up its turn, as far as it still listens.
pub(crate) fn interrupt(process: &Process) {
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(line) = control_line(&id, Control::Interrupt) {
        process.send(line);
    }
}
