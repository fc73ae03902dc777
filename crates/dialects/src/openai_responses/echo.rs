//! What a response object repeats of its request, and what its items need to know of it.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::response::{Object, Status};

/// The part of a request that its response tells again. Cheap enough to keep beside a running answer.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    /// Members of the response object, as JSON.
    pub(super) members: Vec<(&'static str, Box<RawValue>)>,
    /// What a tool of this name upstream is to the caller; a plain function is not listed.
    pub(super) tools: HashMap<String, ToolKind>,
    /// Whether thinking is told as a summary.
    pub(super) summary: bool,
    /// Whether web searches name the pages they found.
    pub(super) sources: bool,
    /// The tool whose input is the answer's text.
    pub(super) content_tool: Option<String>,
}

/// What kind of tool the caller declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToolKind {
    /// A tool that takes a JSON object.
    Function { namespace: Option<String>, name: String },
    /// A tool that takes text.
    Custom { namespace: Option<String>, name: String },
    /// The caller's own shell.
    LocalShell,
}

impl Echo {
    /// The response object of a response that waits to be made: `status` is `queued`, `created` in seconds since 1970.
    #[must_use]
    pub fn queued(&self, response_id: &str, created: u64) -> Bytes {
        Object::new(self, response_id, created, Status::Queued).to_json()
    }
}
