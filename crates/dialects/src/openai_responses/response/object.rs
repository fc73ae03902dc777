//! The response object.

use bytes::Bytes;
use messages::{ApiError, ErrorKind, StopReason, Usage};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::openai_responses::echo::Echo;
use crate::openai_responses::stored;

/// How far a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::openai_responses) enum Status {
    Queued,
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

/// A response as far as it is known.
pub(in crate::openai_responses) struct Object<'r> {
    pub(super) echo: &'r Echo,
    pub(super) id: &'r str,
    pub(super) created: u64,
    pub(super) status: Status,
    pub(super) completed_at: Option<u64>,
    pub(super) error: Option<ResponseError<'r>>,
    pub(super) incomplete: Option<&'static str>,
    pub(super) output: Vec<&'r RawValue>,
    pub(super) usage: Option<ResponseUsage>,
}

impl<'r> Object<'r> {
    pub(in crate::openai_responses) fn new(
        echo: &'r Echo,
        id: &'r str,
        created: u64,
        status: Status,
    ) -> Self {
        Self {
            echo,
            id,
            created,
            status,
            completed_at: None,
            error: None,
            incomplete: None,
            output: Vec::new(),
            usage: None,
        }
    }

    pub(in crate::openai_responses) fn to_json(&self) -> Bytes {
        stored::json(self)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", self.id)?;
        map.serialize_entry("object", "response")?;
        map.serialize_entry("created_at", &self.created)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("completed_at", &self.completed_at)?;
        map.serialize_entry("error", &self.error)?;
        map.serialize_entry("incomplete_details", &self.incomplete.map(|reason| Incomplete { reason }))?;
        map.serialize_entry("output", &self.output)?;
        if let Some(usage) = &self.usage {
            map.serialize_entry("usage", usage)?;
        }
        for (name, value) in &self.echo.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

/// Why a response failed, in the words that OpenAI has for it.
#[derive(Debug, Serialize)]
pub(in crate::openai_responses) struct ResponseError<'e> {
    pub(super) code: &'static str,
    message: &'e str,
}

impl<'e> ResponseError<'e> {
    pub(in crate::openai_responses) fn of(error: &'e ApiError) -> Self {
        let code = match error.kind {
            ErrorKind::RateLimit => "rate_limit_exceeded",
            ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge => "invalid_prompt",
            _ => "server_error",
        };
        Self { code, message: &error.message }
    }
}

/// Status and `incomplete_details.reason` for this reason to stop.
pub(super) fn ending(reason: &StopReason) -> (Status, Option<&'static str>) {
    match reason {
        StopReason::MaxTokens | StopReason::ContextWindow => (Status::Incomplete, Some("max_output_tokens")),
        StopReason::Refusal => (Status::Incomplete, Some("content_filter")),
        _ => (Status::Completed, None),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ResponseUsage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        let input_tokens = usage.prompt_tokens();
        Self {
            input_tokens,
            input_tokens_details: InputDetails {
                cached_tokens: usage.cache_read_input_tokens,
                cache_write_tokens: usage.cache_creation_input_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.thinking_tokens },
            total_tokens: input_tokens.saturating_add(usage.output_tokens),
        }
    }
}
