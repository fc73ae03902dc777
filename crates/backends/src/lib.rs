//! What carries a Messages request: the Anthropic API over HTTP, or Claude Code.
//!
//! A backend takes Messages API *bytes* and answers with bytes or raw events; no dialect is known here.

mod anthropic;
mod base_url;
mod bedrock;
mod breaker;
mod call;
mod claude_code;
mod cloud;
mod environment;
mod error;
mod files;
mod headers;
mod health;
mod http;
mod renewed;
mod upstream_error;
mod vertex;

use std::sync::Arc;

use futures_core::future::BoxFuture;

pub use ::claude_code::{
    AGENT_EVENT, AccountWindow, Cost, Decision, PermissionEvent, PermissionEvents, Permissions,
    ReportedModel, UnknownPrompt,
};
pub use anthropic::{Anthropic, AnthropicSettings, AnthropicSetupError, Credential};
pub use bedrock::{AwsCredentials, Bedrock, BedrockSettings};
pub use breaker::{Breaker, BreakerSettings, BreakerState};
pub use call::{Call, EventStream, OwnKey, Reply, ReplyBody};
pub use claude_code::ClaudeCode;
pub use cloud::CloudSetupError;
pub use environment::Environment;
pub use error::BackendError;
pub use health::{Health, HealthCell, State};
pub use http::{HttpClient, Timeouts, UpstreamBody};
pub use vertex::{GoogleCredentials, Vertex, VertexSettings};

/// What of the Messages API a backend can carry, whichever model serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `role: system` messages after the first message.
    pub system_turns: bool,
    /// A last message of the assistant, to be continued.
    pub prefill: bool,
    /// The caller's own marks for the prompt cache.
    pub cache_control: bool,
    /// Tools that the API runs itself, such as its web search.
    pub server_tools: bool,
}

/// One place that can serve Messages requests.
pub trait Backend: Send + Sync {
    /// The configured name, which logs, metrics and `x-backend` carry.
    fn name(&self) -> &str;

    /// Carries one `POST /v1/messages`. Dropping the reply's body ends the upstream exchange.
    ///
    /// # Errors
    /// What kept the backend from getting any answer. An upstream's own error answer is a [`Reply`] with its status.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>>;

    /// Carries one `POST /v1/messages/count_tokens`; the answer is `{"input_tokens": N}`.
    ///
    /// # Errors
    /// As [`Backend::send`].
    fn count_tokens(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>>;

    /// A page of the backend's own model list in Anthropic's shape (`{"data":[…],…}`), chosen by `query`
    /// (`limit=20&after_id=…`), or `None` where it has none.
    fn models<'a>(&'a self, query: &'a str) -> BoxFuture<'a, Option<bytes::Bytes>> {
        let _ = query;
        Box::pin(std::future::ready(None))
    }

    /// The models that it is known to offer, beside the table; without asking.
    fn known_models(&self) -> Option<Arc<[ReportedModel]>> {
        None
    }

    /// Sees to it that they are known, which may take seconds the first time.
    fn ask_models(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// What is known of its state now, without asking it.
    fn health(&self) -> Health;

    /// Asks it once whether it can serve, and keeps the answer for [`Backend::health`].
    fn probe(&self) -> BoxFuture<'_, ()>;

    /// What of the Messages API it can carry.
    fn capabilities(&self) -> Capabilities {
        Capabilities { system_turns: true, prefill: true, cache_control: true, server_tools: true }
    }

    /// Processes by state (`starting`, `running`, `ending`), for backends that have any.
    fn processes(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Turns answered so far by how the conversation came to be known (`first`, `continued`, `fed`, `resumed`), for
    /// backends that keep any.
    fn turns(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The usage windows of the account behind it, for its operator alone, where the backend hears of any.
    fn account_windows(&self) -> Vec<AccountWindow> {
        Vec::new()
    }

    /// Where permission prompts of built-in tools are told and answered, for backends that may have any.
    fn permissions(&self) -> Option<Permissions> {
        None
    }

    /// Ends what it still holds. Called once, after the last request.
    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
