//! Lines about built-in tools: what the program tells beside its answers, and how its permission prompts are answered.
//! The shapes are those that the official Agent SDKs speak.

use bytes::Bytes;
use messages::json::Text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::outgoing::line;

/// How the program names the caller's tools.
const CALLERS: &str = "mcp__client__";

/// What a line tells beside the answer.
#[derive(Debug)]
pub(crate) enum Beside {
    /// It asks for a permission.
    Asks(PermissionAsked),
    /// The answer to this request of it is not waited for any more.
    Withdraws(String),
    /// The model, or that of the sub-agent which `parent` called, calls built-in tools.
    Calls {
        calls: Vec<BuiltInCall>,
        message_id: Option<String>,
        parent: Option<String>,
    },
    /// What came of calls, those of the caller's tools among them.
    Results(Vec<BuiltInResult>),
    /// A turn is over: what each model used since the last time, where it says so.
    Ends {
        usage: Option<Box<RawValue>>,
    },
    /// A turn begins with these tools.
    Begins {
        tools: Vec<String>,
        version: String,
    },
    Nothing,
}

/// A permission prompt.
pub(crate) struct PermissionAsked {
    pub(crate) request_id: String,
    pub(crate) tool_name: String,
    pub(crate) tool_use_id: Option<String>,
    /// What the tool would be called with.
    pub(crate) input: Box<RawValue>,
    /// What whoever decides is to know: the members of a JSON object.
    pub(crate) told: String,
}

/// Never shows what is asked.
impl std::fmt::Debug for PermissionAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PermissionAsked({})", self.tool_name)
    }
}

#[derive(Debug)]
pub(crate) struct BuiltInCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) input: Box<RawValue>,
}

#[derive(Debug)]
pub(crate) struct BuiltInResult {
    pub(crate) tool_use_id: String,
    pub(crate) is_error: bool,
    pub(crate) content: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    subtype: Option<Text<'a>>,
    #[serde(borrow)]
    parent_tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    request_id: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    model_usage_since_last_result: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    claude_code_version: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    subtype: Text<'a>,
    #[serde(borrow)]
    tool_name: Text<'a>,
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    decision_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    blocked_path: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
}

impl Beside {
    pub(crate) fn parse(line: &Bytes) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else { return Self::Nothing };
        let found = match &*envelope.kind.0 {
            "control_request" => asked(&envelope).map(Self::Asks),
            "control_cancel_request" => envelope.request_id.map(|id| Self::Withdraws(id.0.into_owned())),
            "assistant" => calls(envelope),
            "user" => results(&envelope),
            "result" => {
                let usage = envelope.model_usage_since_last_result.map(ToOwned::to_owned);
                Some(Self::Ends { usage })
            }
            "system" if envelope.subtype.as_ref().is_some_and(|kind| kind.0 == "init") => begins(envelope),
            _ => None,
        };
        found.unwrap_or(Self::Nothing)
    }
}

fn asked(envelope: &Envelope<'_>) -> Option<PermissionAsked> {
    let wire: Asked<'_> = serde_json::from_str(envelope.request?.get()).ok()?;
    if wire.subtype.0 != "can_use_tool" {
        return None;
    }
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut told = format!(r#""tool_name":{},"input":{}"#, text(&wire.tool_name.0), wire.input.get());
    if let Some(id) = &wire.tool_use_id {
        told.push_str(&format!(r#","tool_use_id":{}"#, text(&id.0)));
    }
    let more = [
        ("description", wire.description),
        ("decision_reason", wire.decision_reason),
        ("blocked_path", wire.blocked_path),
    ];
    for (name, raw) in more {
        if let Some(raw) = raw {
            told.push_str(&format!(r#","{name}":{}"#, raw.get()));
        }
    }
    Some(PermissionAsked {
        request_id: envelope.request_id.as_ref()?.0.to_string(),
        tool_name: wire.tool_name.0.into_owned(),
        tool_use_id: wire.tool_use_id.map(|id| id.0.into_owned()),
        input: wire.input.to_owned(),
        told,
    })
}

fn calls(envelope: Envelope<'_>) -> Option<Beside> {
    let message: Message<'_> = serde_json::from_str(envelope.message?.get()).ok()?;
    let call = |block: Block<'_>| {
        let name = block.name.filter(|name| block.kind.0 == "tool_use" && !name.0.starts_with(CALLERS))?;
        let (id, input) = (block.id?.0.into_owned(), block.input?.to_owned());
        Some(BuiltInCall { id, name: name.0.into_owned(), input })
    };
    let message_id = message.id.map(|id| id.0.into_owned());
    let parent = envelope.parent_tool_use_id.map(|id| id.0.into_owned());
    Some(Beside::Calls { calls: message.content.into_iter().filter_map(call).collect(), message_id, parent })
}

fn results(envelope: &Envelope<'_>) -> Option<Beside> {
    let message: Message<'_> = serde_json::from_str(envelope.message?.get()).ok()?;
    let result = |block: Block<'_>| {
        let tool_use_id = block.tool_use_id.filter(|_| block.kind.0 == "tool_result")?.0.into_owned();
        let content = block.content.map(ToOwned::to_owned);
        Some(BuiltInResult { tool_use_id, is_error: block.is_error.unwrap_or_default(), content })
    };
    Some(Beside::Results(message.content.into_iter().filter_map(result).collect()))
}

fn begins(envelope: Envelope<'_>) -> Option<Beside> {
    let tools = serde_json::from_str(envelope.tools?.get()).ok()?;
    let version = envelope.claude_code_version.map(|version| version.0.into_owned()).unwrap_or_default();
    Some(Beside::Begins { tools, version })
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
    response: Verdict<'a>,
}

#[derive(Serialize)]
#[serde(tag = "behavior", rename_all = "snake_case")]
enum Verdict<'a> {
    Allow {
        #[serde(rename = "updatedInput")]
        updated_input: &'a RawValue,
    },
    Deny {
        message: &'a str,
    },
}

/// The tool may run with this input.
pub(crate) fn allow_line(request_id: &str, input: &RawValue) -> Result<Bytes, serde_json::Error> {
    answer(request_id, Verdict::Allow { updated_input: input })
}

/// The tool may not run; the model is told why.
pub(crate) fn deny_line(request_id: &str, message: &str) -> Result<Bytes, serde_json::Error> {
    answer(request_id, Verdict::Deny { message })
}

fn answer(request_id: &str, response: Verdict<'_>) -> Result<Bytes, serde_json::Error> {
    let response = AnswerBody { subtype: "success", request_id, response };
    line(&AnswerLine { kind: "control_response", response })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Beside {
        Beside::parse(&Bytes::copy_from_slice(line.as_bytes()))
    }

    #[test]
    fn a_prompt_tells_what_would_be_done_and_is_answered_by_its_id() {
        let line = r#"{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"touch x", "n":1.0},"description":"d","permission_suggestions":[],"blocked_path":"/w/x","tool_use_id":"toolu_1"}}"#;
        let Beside::Asks(asked) = parse(line) else { panic!() };
        assert_eq!((&*asked.request_id, asked.tool_use_id.as_deref()), ("r", Some("toolu_1")));
        let told = r#""tool_name":"Bash","input":{"command":"touch x", "n":1.0},"tool_use_id":"toolu_1","description":"d","blocked_path":"/w/x""#;
        assert_eq!(asked.told, told);
        let allowed = allow_line("r", &asked.input).unwrap();
        let expected = concat!(
            r#"{"type":"control_response","response":{"subtype":"success","request_id":"r","#,
            r#""response":{"behavior":"allow","updatedInput":{"command":"touch x", "n":1.0}}}}"#,
            "\n"
        );
        assert_eq!(allowed, expected);
        assert!(deny_line("r", "no").unwrap().ends_with(b"{\"behavior\":\"deny\",\"message\":\"no\"}}}\n"));
        let cancel = r#"{"type":"control_cancel_request","request_id":"r"}"#;
        assert!(matches!(parse(cancel), Beside::Withdraws(id) if id == "r"));
    }

    #[test]
    fn calls_of_the_callers_tools_are_not_the_built_in_ones() {
        let line = r#"{"type":"assistant","parent_tool_use_id":"toolu_0","message":{"id":"m","content":[{"type":"text","text":"t"},{"type":"tool_use","id":"a","name":"Read","input":{}},{"type":"tool_use","id":"b","name":"mcp__client__Read","input":{}}]}}"#;
        let Beside::Calls { calls, message_id, parent } = parse(line) else { panic!() };
        assert_eq!(calls.iter().map(|call| &*call.id).collect::<Vec<_>>(), ["a"]);
        assert_eq!((message_id.as_deref(), parent.as_deref()), (Some("m"), Some("toolu_0")));
        let line = r#"{"type":"user","parent_tool_use_id":null,"message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"r","is_error":true}]}}"#;
        assert!(
            matches!(parse(line), Beside::Results(found) if found[0].tool_use_id == "a" && found[0].is_error)
        );
    }

    #[test]
    fn the_callers_own_mcp_traffic_and_what_is_not_known_tell_nothing() {
        for line in [
            r#"{"type":"control_request","request_id":"r","request":{"subtype":"mcp_message","message":{}}}"#,
            r#"{"type":"user","message":{"role":"user","content":"text"}}"#,
            r#"{"type":"stream_event","event":{}}"#,
            "{",
        ] {
            assert!(matches!(parse(line), Beside::Nothing), "{line}");
        }
    }
}
