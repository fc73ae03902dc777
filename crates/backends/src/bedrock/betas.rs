//! Features that a request names. Bedrock refuses a request for the sake of one that it does not know, and does not say which.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;

use crate::headers;

/// What AWS documents, and what Claude Code names when it is set up for Bedrock.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>
const KNOWN: [&str; 11] = [
    "computer-use-",
    "context-1m-",
    "context-management-",
    "dev-full-thinking-",
    "effort-",
    "interleaved-thinking-",
    "output-128k-",
    "thinking-token-count-",
    "token-efficient-tools-",
    "tool-examples-",
    "tool-search-tool-",
];

/// Whether only features that are known to be known are named; learned from the first refusal.
#[derive(Debug, Default)]
pub(super) struct KnownOnly(AtomicBool);

impl KnownOnly {
    /// The features to name for a request, and whether some of the caller's are left out.
    pub(super) fn of<'h>(&self, headers: &'h HeaderMap, strict: bool) -> (Vec<&'h str>, bool) {
        let mut named = headers::betas(headers);
        let all = named.len();
        if !strict && self.0.load(Ordering::Relaxed) {
            named.retain(|beta| KNOWN.iter().any(|known| beta.starts_with(known)));
        }
        let fewer = named.len() < all;
        (named, fewer)
    }

    /// Notes that Bedrock refused one. Whether another try makes sense: those named hold one to leave out.
    pub(super) fn learn(&self, named: &[&str], strict: bool) -> bool {
        self.0.store(true, Ordering::Relaxed);
        !strict && named.iter().any(|beta| !KNOWN.iter().any(|known| beta.starts_with(known)))
    }
}
