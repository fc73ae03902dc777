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
    /// `/model/…` and `/inference-profiles`.
    Bedrock,
    /// `/v1/projects/…`; its errors and streams are Anthropic's.
    Vertex,
}

impl Dialect {
    /// As logs and metrics name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
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
        if path.starts_with("/model/") || path == "/inference-profiles" {
            return Self::Bedrock;
        }
        if under("projects/") {
            return Self::Vertex;
        }
        let anthropic = headers.contains_key("anthropic-version") || headers.contains_key("x-api-key");
        if anthropic { Self::Anthropic } else { Self::OpenAiChat }
    }

    /// Whether an error of the Messages API is one of this dialect as it is.
    #[must_use]
    pub const fn errors_pass(self) -> bool {
        matches!(self, Self::Anthropic | Self::Vertex)
    }

    /// The header that names an error, where it is not in the body.
    #[must_use]
    pub const fn error_header(self, error: &ApiError) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Bedrock => Some(("x-amzn-errortype", dialects::bedrock::exception(error).0)),
            _ => None,
        }
    }

    /// The status this dialect's clients know for an error (529 is Anthropic's own).
    #[must_use]
    pub fn error_status(self, error: &ApiError) -> StatusCode {
        let status = match self {
            Self::Anthropic | Self::Vertex => error.status,
            Self::Bedrock => dialects::bedrock::exception(error).1,
            Self::OpenAiChat | Self::OpenAiResponses => dialects::openai_chat::error_status(error),
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The error as this dialect's JSON body.
    #[must_use]
    pub fn error_body(self, error: &ApiError, request_id: &str) -> Bytes {
        match self {
            Self::Anthropic | Self::Vertex => dialects::anthropic::error_body(error, request_id),
            Self::Bedrock => dialects::bedrock::error_body(error),
            Self::OpenAiChat | Self::OpenAiResponses => dialects::openai_chat::error_body(error),
        }
    }
}
