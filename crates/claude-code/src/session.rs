//! The conversation with one process: make it ready, ask, relay. Every wait has a limit.

use std::sync::Arc;

use bytes::Bytes;
use messages::RawEvent;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::address::Address;
use crate::agent::Agent;
use crate::conversation::Said;
use crate::counts::{Counted, Phase};
use crate::errors::Failure;
use crate::going_on::Open;
use crate::process::Process;
use crate::protocol::{Control, Incoming, control_line, mcp_answer_line, user_line};
use crate::relay::{Relay, Step, Then};
use crate::settings::Settings;
use crate::stream::Item;
use crate::tokens;
use crate::tools::{self, Answer, Tools};
use crate::turn::Turn;

/// A process bound to a conversation, and the limits on it.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) process: &'a mut Process,
    pub(crate) settings: &'a Settings,
    pub(crate) address: Address,
    pub(crate) tools: Arc<Tools>,
    /// The program was told of the tools.
    listed: bool,
    /// The parameters in force.
    applied: Vec<(&'static str, String)>,
    /// Control requests that were sent ahead of their replies: a refusal of one fails the turn.
    unconfirmed: Vec<String>,
    /// The request whose reply tells what models there are, and the model of this process, while that is not known.
    introduction: Option<(String, String)>,
    /// What the last answer left open.
    pub(crate) open: Open,
    /// What goes on beside the answers, where the program has tools of its own.
    pub(crate) agent: Option<Agent>,
    /// How far the running turn has come.
    pub(crate) progress: Progress,
}

/// How far a turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its question was not sent.
    Unasked,
    /// It was: the program may have asked the model.
    Asked,
    /// The caller has seen something of the answer.
    Told,
}

/// An answer that came to its end, but for its last event.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) last: RawEvent,
    pub(crate) then: Then,
    /// The answer as the caller saw it.
    pub(crate) said: Said,
}

impl<'a> Session<'a> {
    pub(crate) fn new(process: &'a mut Process, settings: &'a Settings) -> Self {
        Self {
            process,
            settings,
            address: Address::new(settings),
            tools: Arc::default(),
            listed: false,
            applied: Vec::new(),
            unconfirmed: Vec::new(),
            introduction: None,
            open: Open::default(),
            agent: settings.built_in.as_ref().map(Agent::new),
            progress: Progress::Unasked,
        }
    }

    /// The first turn of a conversation, its history included.
    pub(crate) async fn run(
        &mut self,
        turn: &Turn,
        events: &mpsc::Sender<Item>,
        counted: &mut Counted,
    ) -> Result<Finished, Failure> {
        self.bind_resumed(turn).await?;
        self.feed(turn).await?;
        counted.becomes(Phase::Asked);
        self.say(turn, true)?;
        self.relay(events, counted).await
    }

    /// Binds the process, which has then read the transcript that it may have been started with.
    async fn bind_resumed(&mut self, turn: &Turn) -> Result<(), Failure> {
        if self.process.told() == 0 {
            return self.bind(turn).await;
        }
        let bound = async {
            self.bind(turn).await?;
            self.confirmed().await
        };
        let bound = bound.await;
        self.process.forget_transcript().await;
        match bound {
            // It says that there is no such conversation, and goes.
            Err(Failure::Ended) => Err(Failure::NotResumed),
            bound => bound,
        }
    }

    /// Binds the process to the conversation's system prompt, tools and parameters. The program takes what it is sent in
    /// order, so only the tools, which it asks for itself, are waited for.
    pub(crate) async fn bind(&mut self, turn: &Turn) -> Result<(), Failure> {
        let limit = self.settings.start_timeout;
        self.tools = Arc::clone(&turn.tools);
        let servers: &[&str] = if turn.tools.is_empty() { &[] } else { &[tools::SERVER] };
        let initialize = self.request_ahead(Control::initialize(&turn.system, servers))?;
        if self.settings.reported_models.known().is_none() {
            self.introduction = Some((initialize, turn.model().to_string()));
        }
        self.apply(turn)?;
        let listed = async {
            while !self.listed && !self.tools.is_empty() {
                self.next().await?;
            }
            Ok(())
        };
        timeout(limit, listed).await.map_err(|_| Failure::StartTimeout(limit))?
    }

    /// Puts the turn's parameters in force for what is sent from now on.
    pub(crate) fn apply(&mut self, turn: &Turn) -> Result<(), Failure> {
        if self.applied != turn.settings {
            let env = turn.settings.iter().map(|(name, value)| (*name, value.as_str()));
            self.request_ahead(Control::settings(env))?;
            self.applied.clone_from(&turn.settings);
        }
        Ok(())
    }

    /// Tells the history, as far as the process was not started with it; paced: unpaced, the order of the messages breaks.
    pub(crate) async fn feed(&mut self, turn: &Turn) -> Result<(), Failure> {
        for line in turn.history.iter().skip(self.process.told()) {
            self.process.send(line.json.clone());
            if line.answered {
                self.taken().await?;
            }
        }
        Ok(())
    }

    /// Only makes it tell of itself.
    pub(crate) async fn introduce(&mut self, turn: &Turn) -> Result<(), Failure> {
        self.bind(turn).await?;
        self.confirmed().await
    }

    /// Counts the input tokens of the whole conversation, the question included.
    pub(crate) async fn count(&mut self, turn: &Turn) -> Result<u64, Failure> {
        self.bind_resumed(turn).await?;
        self.feed(turn).await?;
        self.say(turn, false)?;
        self.taken().await?;
        let limit = self.settings.silence_timeout;
        let usage = self.control(Control::GetContextUsage);
        let usage = timeout(limit, usage).await.map_err(|_| Failure::Silent(limit))??;
        tokens::input_tokens(usage.as_deref(), turn.tools.told_chars())
            .ok_or_else(|| Failure::Broken("no token counts".into()))
    }

    /// Sends the last message, asking for an answer or not.
    pub(crate) fn say(&self, turn: &Turn, asks: bool) -> Result<(), Failure> {
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

    /// Sends a control request whose reply is not waited for.
    fn request_ahead(&mut self, request: Control<'_>) -> Result<String, Failure> {
        let id = self.request(request)?;
        self.unconfirmed.push(id.clone());
        Ok(id)
    }

    /// The reply to something that was sent ahead of it.
    fn confirm(&mut self, id: &str, outcome: Result<Option<Bytes>, String>) -> Result<(), Failure> {
        let reply = outcome.map_err(Failure::Control)?;
        if let Some((_, model)) = self.introduction.take_if(|(initialize, _)| initialize == id) {
            reply.iter().for_each(|reply| self.settings.reported_models.learn(reply, &model));
        }
        Ok(())
    }

    /// Waits for the replies to what was sent ahead of them.
    async fn confirmed(&mut self) -> Result<(), Failure> {
        while !self.unconfirmed.is_empty() {
            self.next_in_time().await?;
        }
        Ok(())
    }

    /// Sends a control request whose reply does not matter.
    pub(crate) fn request(&self, request: Control<'_>) -> Result<String, Failure> {
        let id = uuid::Uuid::new_v4().to_string();
        let line = control_line(&id, request).map_err(|error| Failure::Broken(error.to_string()))?;
        self.process.send(line);
        Ok(id)
    }

    /// What the program says next. What it asks about the tools is answered on the way.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Failure> {
        let line = match &mut self.agent {
            None => self.process.next_line().await,
            Some(agent) => agent.next_line(self.process).await,
        };
        let line = line.map_err(|error| Failure::Broken(error.to_string()))?;
        match line.map(|line| Incoming::parse(&line)).ok_or(Failure::Ended)? {
            Incoming::Asked { request_id, message } => {
                self.answer(request_id, &message)?;
                Ok(Incoming::Other)
            }
            Incoming::Begins { tools } if !self.tools.are_among(&tools) => {
                // Before it asks the model without them.
                self.process.kill();
                Err(Failure::ToolsLost)
            }
            Incoming::Reply(reply) => {
                let sent_ahead = self.unconfirmed.iter().position(|id| *id == reply.request_id);
                let Some(at) = sent_ahead else { return Ok(Incoming::Reply(reply)) };
                self.unconfirmed.swap_remove(at);
                self.confirm(&reply.request_id, reply.outcome)?;
                Ok(Incoming::Other)
            }
            other => Ok(other),
        }
    }

    fn answer(&mut self, request_id: String, message: &str) -> Result<(), Failure> {
        match tools::answer(message, &self.tools) {
            None => Ok(()),
            Some(Answer::Now(json)) => self.send_answer(&request_id, &json),
            Some(Answer::List(json)) => {
                self.listed = true;
                self.send_answer(&request_id, &json)
            }
            Some(Answer::Later(call)) => {
                self.open.waits(request_id, call);
                Ok(())
            }
        }
    }

    pub(crate) fn send_answer(&self, request_id: &str, json: &str) -> Result<(), Failure> {
        let line = mcp_answer_line(request_id, json).map_err(|error| Failure::Broken(error.to_string()))?;
        self.process.send(line);
        Ok(())
    }

    pub(crate) async fn relay(
        &mut self,
        events: &mpsc::Sender<Item>,
        counted: &mut Counted,
    ) -> Result<Finished, Failure> {
        self.process.spending.asked();
        if let Some(built_in) = &self.settings.built_in {
            return self.relay_agent(built_in.max_turns, events, counted).await;
        }
        let mut relay = Relay::new(Arc::clone(&self.tools));
        let mut said = Said::default();
        loop {
            match relay.take(self.next_in_time().await?) {
                Step::Wait => {}
                Step::Forward(event) => {
                    if event.name == "message_start" {
                        counted.becomes(Phase::Running);
                        self.forbid_another_call()?;
                    }
                    said.observe(&event);
                    self.progress = Progress::Told;
                    deliver(events, event).await;
                }
                Step::Finish { last, then } => {
                    said.observe(&last);
                    if matches!(then, Then::Waits(_)) {
                        self.process.spending.forget();
                    }
                    return Ok(Finished { last, then, said });
                }
                Step::Fail(failure) => return Err(failure),
            }
        }
    }

    /// What the program says next: soon, while it has yet to confirm what it was told; else within the limit on silence.
    pub(crate) async fn next_in_time(&mut self) -> Result<Incoming, Failure> {
        let (limit, failure) = match self.unconfirmed.is_empty() {
            true => (self.settings.silence_timeout, Failure::Silent(self.settings.silence_timeout)),
            false => (self.settings.start_timeout, Failure::StartTimeout(self.settings.start_timeout)),
        };
        timeout(limit, self.next()).await.map_err(|_| failure)?
    }

    /// One request is one call upstream. After an answer that met its token limit or has no text, or that calls a tool
    /// there is not, the program calls again by itself, and no setting says no: so the address of the next call, if
    /// there is one, leads nowhere until the caller goes on. A short answer can be over before this takes effect: then
    /// killing the process is fast enough.
    pub(crate) fn forbid_another_call(&mut self) -> Result<(), Failure> {
        self.open.forbidden = true;
        self.request(Control::settings([self.address.nowhere()])).map(drop)
    }
}

/// When nobody listens any more, whoever watches over this turn ends it.
pub(crate) async fn deliver(events: &mpsc::Sender<Item>, event: RawEvent) {
    drop(events.send(Ok(event)).await);
}

/// Tells the program to give up its turn, as far as it still listens.
pub(crate) fn interrupt(process: &Process) {
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(line) = control_line(&id, Control::Interrupt) {
        process.send(line);
    }
}
