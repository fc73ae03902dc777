//! What the built-in tools do, as events beside the answer.

use bytes::Bytes;
use messages::RawEvent;
use serde::Serialize;
use serde_json::value::RawValue;

/// The name of such an event, and the value of its `type`. No event of the Messages API is called so: official clients
/// pass over it.
pub const EVENT: &str = "claude_code_event";

/// A result longer than this is not repeated in an event.
const LONGEST_BYTES: usize = 64 << 10;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Activity<'a> {
    /// The model calls a built-in tool.
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
        /// The call of the sub-agent that calls it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_tool_use_id: Option<&'a str>,
    },
    /// What came of it.
    ToolResult {
        tool_use_id: &'a str,
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<&'a RawValue>,
        /// How long a content is that is not told.
        #[serde(skip_serializing_if = "Option::is_none")]
        content_bytes: Option<usize>,
    },
    /// Somebody is asked whether a tool may do something.
    PermissionRequest { id: &'a str, tool_use_id: Option<&'a str>, tool_name: &'a str },
    /// The answer, or why there is none.
    PermissionDecision { id: &'a str, behavior: &'static str, because: &'static str },
    /// The answer took as many calls upstream as it may.
    MaxTurnsReached { max_turns: u32 },
}

impl<'a> Activity<'a> {
    pub(super) fn result(tool_use_id: &'a str, is_error: bool, content: Option<&'a RawValue>) -> Self {
        let told = content.filter(|content| content.get().len() <= LONGEST_BYTES);
        let content_bytes = if told.is_none() { content.map(|content| content.get().len()) } else { None };
        Self::ToolResult { tool_use_id, is_error, content: told, content_bytes }
    }

    pub(super) fn event(&self) -> Option<RawEvent> {
        // Behind `type`, which a tagged enum has no second place for.
        let body = serde_json::to_string(self).ok()?;
        let members = body.strip_prefix('{')?;
        Some(RawEvent { name: EVENT.into(), data: Bytes::from(format!(r#"{{"type":"{EVENT}",{members}"#)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_itself_keeps_bytes_and_leaves_out_what_is_long() {
        let input = RawValue::from_string(r#"{"n":1.50}"#.into()).unwrap();
        let call = Activity::ToolUse { id: "t", name: "Read", input: &input, parent_tool_use_id: None };
        let expected =
            r#"{"type":"claude_code_event","kind":"tool_use","id":"t","name":"Read","input":{"n":1.50}}"#;
        assert_eq!(call.event().unwrap().data, expected);
        let long = RawValue::from_string(format!("\"{}\"", "x".repeat(LONGEST_BYTES))).unwrap();
        let told = Activity::result("t", false, Some(&long)).event().unwrap();
        assert!(told.data.ends_with(br#""is_error":false,"content_bytes":65538}"#), "{:?}", told.data);
    }
}
