//! The `claude` program as a backend: Messages bytes in, the program's own stream events out.

use std::sync::Arc;

use bytes::Bytes;
use claude_code::{AGENT_EVENT, AccountWindow, Credentials, Driver, Permissions, ReportedModel, TurnError};
use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use messages::{ApiError, ErrorKind, RawEvent};

use crate::{Backend, BackendError, Call, Capabilities, EventStream, Health, HealthCell, Reply, ReplyBody};

/// The program asks for the features it needs itself; a caller's wishes cannot be put beside them.
const BETA: &str = "anthropic-beta";

/// Turns of the `claude` program, under one login or one key.
pub struct ClaudeCode {
    name: String,
    driver: Driver,
    credentials: Credentials,
    health: HealthCell,
}

impl ClaudeCode {
    /// A backend of this name over `driver`, whose program uses `credentials`.
    #[must_use]
    pub fn new(name: String, driver: Driver, credentials: Credentials) -> Self {
        Self { name, driver, credentials, health: HealthCell::default() }
    }

    async fn turn(&self, call: Call) -> Result<Reply, BackendError> {
        let turn = self.driver.read_turn(&call.body, &call.owner)?;
        let mut ignored = turn.ignored.clone();
        if call.strict {
            messages::ignored::refused(&ignored)?;
        }
        if call.headers.contains_key(BETA) {
            // No request field, so strict mode lets it pass: clients send it unasked.
            ignored.push(BETA.into());
        }
        let mut events = self.driver.start(turn).await.map_err(|error| self.learn(error))?;
        self.health.served();
        let cost = events.take_cost();
        let told = call.agent_events;
        let wanted = move |event: &Result<RawEvent, TurnError>| {
            told || !matches!(event, Ok(event) if event.name == AGENT_EVENT)
        };
        let events = events.filter(move |event| std::future::ready(wanted(event)));
        let events: EventStream = Box::pin(events.map(|event| event.map_err(BackendError::from)));
        Ok(Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: ReplyBody::Events(events),
            ignored,
            cost,
        })
    }

    async fn count(&self, call: Call) -> Result<Reply, BackendError> {
        let tokens = self.driver.count_tokens(&call.body).await.map_err(|error| self.learn(error))?;
        let json = Bytes::from(format!("{{\"input_tokens\":{tokens}}}"));
        let body = ReplyBody::Json(json);
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        Ok(Reply { status, headers, body, ignored: Vec::new(), cost: None })
    }

    /// What a failed turn says about the backend as a whole: a login that is gone concerns every request.
    fn learn(&self, error: TurnError) -> BackendError {
        if error.error.kind == ErrorKind::Authentication {
            self.health.failing(error.error.message.clone());
        }
        error.into()
    }

    async fn ask(&self) {
        let version = match self.driver.version().await {
            Ok(version) => version,
            Err(error) => return self.health.failing(error.to_string()),
        };
        if self.credentials == Credentials::Login {
            match self.driver.auth_status().await {
                Ok(status) if !status.logged_in => {
                    return self.health.failing(
                        "Claude Code is not logged in: run `claude auth login`, or set CLAUDE_CODE_OAUTH_TOKEN \
                         or ANTHROPIC_API_KEY",
                    );
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the login state of the claude program is unknown"),
            }
        }
        if version.is_newer_major() {
            tracing::warn!(%version, tested = %*claude_code::TESTED_VERSION, "the claude program is newer than tested");
        }
        self.driver.keep_spares();
        self.health.ok(format!("Claude Code {version}, credentials: {}", self.credentials.as_str()));
    }
}

impl Backend for ClaudeCode {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.turn(call))
    }

    fn count_tokens(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.count(call))
    }

    fn models<'a>(&'a self, _query: &'a str) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(std::future::ready(None))
    }

    fn known_models(&self) -> Option<Arc<[ReportedModel]>> {
        self.driver.known_models()
    }

    fn ask_models(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Err(error) = self.driver.models().await {
                tracing::debug!(%error, "the claude program did not tell its models");
            }
        })
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn probe(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.ask())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { system_turns: false, prefill: false, cache_control: false, server_tools: false }
    }

    fn processes(&self) -> Vec<(&'static str, u64)> {
        let counts = self.driver.counts();
        let states = [
            ("queued", counts.queued),
            ("starting", counts.starting),
            ("running", counts.running),
            ("ending", counts.ending),
            ("spare", counts.spare),
            ("held", counts.held),
            ("idle", counts.idle),
        ];
        states.map(|(state, count)| (state, count as u64)).to_vec()
    }

    fn turns(&self) -> Vec<(&'static str, u64)> {
        let turns = self.driver.turns();
        let ways = [
            ("first", turns.first),
            ("continued", turns.continued),
            ("fed", turns.fed),
            ("resumed", turns.resumed),
        ];
        ways.to_vec()
    }

    fn account_windows(&self) -> Vec<AccountWindow> {
        self.driver.account_windows()
    }

    fn permissions(&self) -> Option<Permissions> {
        self.driver.permissions()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.driver.shutdown())
    }
}

impl From<TurnError> for BackendError {
    fn from(error: TurnError) -> Self {
        let detail = if error.detail.is_empty() { error.error.message.clone() } else { error.detail };
        let error = match error.error.kind {
            // There is nothing else in a turn that could be missing.
            ErrorKind::NotFound => {
                ApiError { path: Some("model".into()), ..error.error.with_code("model_not_found") }
            }
            _ => error.error,
        };
        Self { error, detail }
    }
}
