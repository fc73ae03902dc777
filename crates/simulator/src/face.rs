//! Which API a path belongs to, and what differs by it: the shape of errors, the framing of streams, some headers.

use crate::refusal::{self, Refusal};
use crate::{aws, google};
use hyper::HeaderMap;

/// The API that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// Anthropic's own.
    Messages,
    /// Amazon Bedrock's, with what gives credentials for it.
    Aws,
    /// Google Cloud's Vertex AI, with what gives tokens for it.
    Google,
}

impl Face {
    pub(crate) fn of(path: &str) -> Self {
        if aws::is_path(path) {
            Self::Aws
        } else if google::is_path(path) {
            Self::Google
        } else {
            Self::Messages
        }
    }

    /// An error, which is named in the Messages API's words or in the cloud's own.
    pub(crate) fn error(self, error: &Refusal, request_id: &str) -> Told {
        let own = || Told {
            status: error.status,
            headers: Vec::new(),
            body: refusal::body(&error.kind, &error.message, Some(request_id)),
        };
        match self {
            Self::Messages => own(),
            Self::Aws => aws::error(error),
            Self::Google => google::error(error).unwrap_or_else(own),
        }
    }

    /// Tells the tokens of an answer that is not streamed, where that is done in headers.
    pub(crate) fn count_in(self, headers: &mut HeaderMap, (tokens_in, tokens_out): (u64, u64)) {
        if self == Self::Aws {
            headers.insert("x-amzn-bedrock-input-token-count", tokens_in.into());
            headers.insert("x-amzn-bedrock-output-token-count", tokens_out.into());
        }
    }

    /// The content type of a stream.
    pub(crate) fn stream_type(self) -> &'static str {
        match self {
            Self::Messages | Self::Google => "text/event-stream; charset=utf-8",
            Self::Aws => "application/vnd.amazon.eventstream",
        }
    }
}

/// An error as it is told.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}
