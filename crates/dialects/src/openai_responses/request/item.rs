//! One item of the input, and where it came from.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{Members, Path, Text};

use crate::openai::unsupported;

/// An item before its place in the conversation is known.
pub(in crate::openai_responses) struct Item<'a> {
    pub(in crate::openai_responses) kind: Cow<'a, str>,
    pub(super) members: Members<'a>,
    /// Its place in the request's `input`; an item of an earlier response has none.
    pub(super) index: Option<usize>,
}

/// Items that this API knows and Claude has not.
const UNSUPPORTED: [&str; 22] = [
    "file_search_call",
    "computer_call",
    "computer_call_output",
    "image_generation_call",
    "code_interpreter_call",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "configuration_update",
    "compaction",
    "compaction_summary",
    "compaction_trigger",
    "context_compaction",
    "program",
    "program_output",
    "ghost_snapshot",
];

impl<'a> Item<'a> {
    pub(in crate::openai_responses) fn read(
        mut members: Members<'a>,
        index: Option<usize>,
        at: &Path<'_>,
    ) -> Result<Self, ApiError> {
        let kind: Option<Text<'a>> = members.optional("type", at)?;
        let has_role = members.0.iter().any(|(name, _)| name == "role");
        let kind = match kind {
            Some(Text(kind)) => kind,
            None if has_role => Cow::Borrowed("message"),
            None if members.0.iter().any(|(name, _)| name == "id") => Cow::Borrowed("item_reference"),
            None => return Err(at.key("type").invalid("field required")),
        };
        if UNSUPPORTED.contains(&&*kind) {
            return Err(unsupported(&at.key("type"), "Claude has no such items"));
        }
        Ok(Self { kind, members, index })
    }

    /// Takes out what comes back of an answer and says nothing new.
    pub(super) fn forget(&mut self, keys: &[&str]) {
        for key in keys {
            self.members.take(key);
        }
    }
}
