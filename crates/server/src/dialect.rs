//! Which API a caller speaks, and the few things that differ by it outside the pipeline.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use messages::ApiError;

/// The API of a route. One value per dialect, known before anything of the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /v1/messages` and what belongs to it.
    Anthropic,
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `/v1/responses` and what belongs to it.
    OpenAiResponses,
}

impl Dialect {
    /// As logs and metrics name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
        }
    }

    /// The dialect in which a caller of `path` expects errors: by the path, else by the headers it sends.
    #[must_use]
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        let under = |prefix: &str| path.strip_prefix("/v1/").is_some_and(|rest| rest.starts_with(prefix));
        if under("responses") {
            return Self::OpenAiResponses;
        }
        if ["chat", "completions", "embeddings"].into_iter().any(under) {
            return Self::OpenAiChat;
        }
        if ["messages", "files", "skills"].into_iter().any(under) {
            return Self::Anthropic;
        }
        let anthropic = headers.contains_key("anthropic-version") || headers.contains_key("x-api-key");
        if anthropic { Self::Anthropic } else { Self::OpenAiChat }
    }

    /// The status this dialect's clients know for an error (529 is Anthropic's own).
    #[must_use]
    pub fn error_status(self, error: &ApiError) -> StatusCode {
        let status = match self {
            Self::Anthropic => error.status,
            Self::OpenAiChat | Self::OpenAiResponses => dialects::openai_chat::error_status(error),
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The error as this dialect's JSON body.
    #[must_use]
    pub fn error_body(self, error: &ApiError, request_id: &str) -> Bytes {
        match self {
            Self::Anthropic => dialects::anthropic::error_body(error, request_id),
            Self::OpenAiChat | Self::OpenAiResponses => dialects::openai_chat::error_body(error),
        }
    }
}
