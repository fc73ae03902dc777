//! The configured program between a backend and a simulator, in a temporary home.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use backends::{Backend, Call, ReplyBody};
use bytes::Bytes;
use futures_util::StreamExt;
use messages::Accumulator;
use policy::config::{self, Config};
use serde_json::Value;
use simulator::{Recorded, Simulator};
use tempfile::TempDir;

use crate::commands::sandbox;
use crate::setup;

pub(super) const MODEL: &str = "claude-sonnet-5-5";
/// A history of so many turns is resumed from a transcript; far shorter ones are fed.
pub(super) const LONG_TURNS: usize = 60;
/// How long a process waits for its conversation's next turn, at least: the next question comes at once.
const KEPT: Duration = Duration::from_secs(60);

pub(super) struct Stand {
    pub(super) simulator: Simulator,
    pub(super) backend: Arc<dyn Backend>,
    credentials: config::Credentials,
    _home: TempDir,
}

/// A finished answer.
pub(super) struct Answer {
    /// From the question to its first event.
    pub(super) first: Duration,
    /// The answer as the API would give it without streaming.
    pub(super) message: Value,
    /// What the API received for it.
    pub(super) arrived: Vec<Recorded>,
    /// How the process came to know what was said before.
    pub(super) way: &'static str,
}

impl Stand {
    /// The program behaves otherwise under a Claude account than with a key: the kind is kept, with made-up credentials.
    pub(super) async fn start(config: &Config, program: &Path) -> Result<Self> {
        let simulator = Simulator::start().await.context("the simulator could not be started")?;
        let home = tempfile::tempdir().context("no temporary directory")?;
        let credentials = match config.claude_code.credentials {
            config::Credentials::Login | config::Credentials::OauthToken => config::Credentials::OauthToken,
            _ => config::Credentials::ApiKey,
        };
        let mut sandboxed =
            sandbox::config(config, config::Backend::ClaudeCode, &simulator, home.path(), "doctor");
        sandboxed.claude_code.credentials = credentials;
        sandboxed.claude_code.path = Some(program.to_owned());
        // Each way to tell a history is checked, whatever is configured.
        let section = &mut sandboxed.claude_code;
        section.resume_from_turns = LONG_TURNS;
        (section.idle_time, section.hold_time) = (section.idle_time.max(KEPT), section.hold_time.max(KEPT));
        // What is looked at is the program as an API, whatever else it may do here.
        sandboxed.claude_code.tools.clear();
        let backends = setup::backends(&sandboxed, &sandbox::environment(home.path()), None)?;
        let backend = backends.into_iter().next().context("no backend")?;
        Ok(Self { simulator, backend, credentials, _home: home })
    }

    pub(super) fn is_account(&self) -> bool {
        self.credentials == config::Credentials::OauthToken
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn ask(&self, request: &Value) -> Result<Answer, String> {
        self.simulator.clear_requests();
        let call = Call::of_our_own(Bytes::from(request.to_string()), MODEL, true);
        let before = self.backend.turns();
        let began = Instant::now();
        let reply = self.backend.send(call).await.map_err(|error| error.error.message)?;
        let first = began.elapsed();
        let ReplyBody::Events(mut events) = reply.body else { return Err("no events came".into()) };
        let mut answer = Accumulator::default();
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| error.error.message)?;
            answer.push(&event).map_err(|error| error.to_string())?;
        }
        let answer = answer.finish().map_err(|error| error.to_string())?;
        let message = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let turns = self.backend.turns().into_iter().zip(before);
        let mut grown = turns.filter(|((_, now), (_, before))| now > before).map(|((way, _), _)| way);
        let way = grown.next_back().unwrap_or("no known way");
        Ok(Answer { first, message, arrived: self.arrived(), way })
    }

    /// The turns that arrived since the last question.
    pub(super) fn arrived(&self) -> Vec<Recorded> {
        let requests = self.simulator.requests();
        requests.into_iter().filter(|request| request.path == "/v1/messages").collect()
    }

    /// How many processes are in this state; `None` where the backend has no such state.
    pub(super) fn processes(&self, state: &str) -> Option<u64> {
        self.backend.processes().into_iter().find(|(name, _)| *name == state).map(|(_, count)| count)
    }

    pub(super) async fn close(self) {
        self.backend.shutdown().await;
    }
}
