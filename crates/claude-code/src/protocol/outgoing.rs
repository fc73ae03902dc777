//! Lines to the program. Contents are put in as the bytes they came in.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;

/// A control request.
#[derive(Serialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub(crate) enum Control<'a> {
    /// Binds the process to a conversation. Always with a system prompt (`""` for none): otherwise the program takes
    /// its own, with the working directory in it.
    Initialize {
        hooks: Option<()>,
        #[serde(rename = "systemPrompt")]
        system_prompt: &'a RawValue,
        /// The MCP servers that live on this side.
        #[serde(rename = "sdkMcpServers", skip_serializing_if = "<[_]>::is_empty")]
        servers: &'a [&'a str],
    },
    /// Environment settings that take effect with the next call upstream.
    ApplyFlagSettings { settings: FlagSettings<'a> },
    /// Gives the running turn up.
    Interrupt,
    /// Token counts of the conversation so far.
    GetContextUsage,
}

#[derive(Serialize)]
pub(crate) struct FlagSettings<'a> {
    env: BTreeMap<&'a str, &'a str>,
}

impl<'a> Control<'a> {
    pub(crate) fn settings(env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::ApplyFlagSettings { settings: FlagSettings { env: env.into_iter().collect() } }
    }

    pub(crate) const fn initialize(system_prompt: &'a RawValue, servers: &'a [&'a str]) -> Self {
        Self::Initialize { hooks: None, system_prompt, servers }
    }
}

#[derive(Serialize)]
struct ControlLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    request_id: &'a str,
    request: Control<'a>,
}

pub(crate) fn control_line(request_id: &str, request: Control<'_>) -> Result<Bytes, serde_json::Error> {
    line(&ControlLine { kind: "control_request", request_id, request })
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    response: AnswerBody<'a>,
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    subtype: &'static str,
    request_id: &'a str,
    response: McpResponse<'a>,
}

#[derive(Serialize)]
struct McpResponse<'a> {
    mcp_response: &'a RawValue,
}

/// The answer to a message for one of our MCP servers.
pub(crate) fn mcp_answer_line(request_id: &str, json: &str) -> Result<Bytes, serde_json::Error> {
    let response = McpResponse { mcp_response: serde_json::from_str(json)? };
    let response = AnswerBody { subtype: "success", request_id, response };
    line(&AnswerLine { kind: "control_response", response })
}

#[derive(Serialize)]
struct UserLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: UserMessage<'a>,
    parent_tool_use_id: Option<()>,
    session_id: &'static str,
    /// Without it the program reads files (`@path`) and runs commands (`/name`) that the text names.
    client_composed: bool,
    #[serde(rename = "shouldQuery", skip_serializing_if = "Option::is_none")]
    should_query: Option<bool>,
}

#[derive(Serialize)]
struct UserMessage<'a> {
    role: &'static str,
    content: &'a RawValue,
}

/// A user message: one that asks, or one of the history, which the program answers with a `result` at no cost.
pub(crate) fn user_line(content: &RawValue, asks: bool) -> Result<Bytes, serde_json::Error> {
    line(&UserLine {
        kind: "user",
        message: UserMessage { role: "user", content },
        parent_tool_use_id: None,
        session_id: "default",
        client_composed: true,
        should_query: (!asks).then_some(false),
    })
}

#[derive(Serialize)]
struct AssistantLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: AssistantMessage<'a>,
    parent_tool_use_id: Option<()>,
    session_id: &'static str,
}

#[derive(Serialize)]
pub(crate) struct AssistantMessage<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: &'a RawValue,
    stop_reason: &'static str,
    stop_sequence: Option<()>,
    usage: NoUsage,
}

#[derive(Serialize)]
struct NoUsage {
    input_tokens: u32,
    output_tokens: u32,
}

/// An assistant message of the history. Two with the same id would be merged: each gets its own.
pub(crate) fn assistant_line(content: &RawValue, model: &str) -> Result<Bytes, serde_json::Error> {
    let message = assistant_message(content, model);
    line(&AssistantLine { kind: "assistant", message, parent_tool_use_id: None, session_id: "default" })
}

/// The message of such a line.
pub(crate) fn assistant_message<'a>(content: &'a RawValue, model: &'a str) -> AssistantMessage<'a> {
    AssistantMessage {
        id: format!("msg_{}", uuid::Uuid::new_v4().simple()),
        kind: "message",
        role: "assistant",
        model,
        content,
        stop_reason: "end_turn",
        stop_sequence: None,
        usage: NoUsage { input_tokens: 0, output_tokens: 0 },
    }
}

pub(super) fn line(value: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let json = serde_json::to_vec(value)?;
    let mut out = BytesMut::with_capacity(json.len() + 1);
    wire::ndjson::write_line(&mut out, &json);
    Ok(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_string()).unwrap()
    }

    #[test]
    fn every_user_line_says_that_the_client_composed_it() {
        for asks in [true, false] {
            let line = user_line(&raw(r#""@/etc/passwd""#), asks).unwrap();
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["client_composed"], true);
            assert_eq!(value["message"]["content"], "@/etc/passwd");
            assert_eq!(value.get("shouldQuery").is_none(), asks);
        }
    }

    #[test]
    fn contents_keep_their_bytes_on_one_line() {
        let content = "[{\"type\":\"tool_use\",\n\"id\":\"t\",\"name\":\"n\",\"input\":{\"big\":12345678901234567890,\"f\":1.0}}]";
        let line = assistant_line(&raw(content), "claude-x").unwrap();
        let text = std::str::from_utf8(&line).unwrap();
        assert!(text.contains(r#"{"big":12345678901234567890,"f":1.0}"#), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn no_two_assistant_messages_share_an_id() {
        let content = raw(r#""same""#);
        assert_ne!(assistant_line(&content, "m").unwrap(), assistant_line(&content, "m").unwrap());
    }

    #[test]
    fn initialize_always_carries_a_system_prompt() {
        let line = control_line("r1", Control::initialize(&raw("\"\""), &["client"])).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["request"]["subtype"], "initialize");
        assert_eq!(value["request"]["systemPrompt"], "");
        assert!(value["request"]["hooks"].is_null());
        assert_eq!(value["request"]["sdkMcpServers"][0], "client");
    }

    #[test]
    fn settings_are_an_environment() {
        let line = control_line("r", Control::settings([("A", "1"), ("B", "{\"x\":2}")])).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["request"]["settings"]["env"]["B"], "{\"x\":2}");
    }
}
