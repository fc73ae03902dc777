//! The MCP server: what the program asks about the tools, and the answers. No I/O.

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::list::Tools;

/// A call of a tool that waits for its result.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) tool_use_id: String,
    /// The JSON-RPC id, as it came.
    pub(crate) id: String,
}

/// What to do about a message of the program.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Answer with this JSON-RPC message.
    Now(String),
    /// Answer with this one: the list of the tools.
    List(String),
    /// Answer when the result is there.
    Later(Call),
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(rename = "protocolVersion", borrow)]
    protocol_version: Option<&'a RawValue>,
    #[serde(rename = "_meta", borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "claudecode/toolUseId", borrow)]
    tool_use_id: Option<Text<'a>>,
}

impl Call {
    /// The JSON-RPC answer with this result.
    pub(crate) fn answered(&self, result: &str) -> String {
        rpc(&self.id, result)
    }
}

/// Answers one message; `None` when it is none.
pub(crate) fn answer(message: &str, tools: &Tools) -> Option<Answer> {
    let message: Message<'_> = serde_json::from_str(message).ok()?;
    // A notification has no id; the control request around it is answered all the same.
    let id = message.id.map_or("0", RawValue::get);
    let method = message.method?.0;
    let result = match &*method {
        "initialize" => {
            let version = message.params.and_then(|params| params.protocol_version);
            let version = version.map_or(r#""2025-11-25""#, RawValue::get);
            format!(
                r#"{{"protocolVersion":{version},"capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"client","version":"1"}}}}"#
            )
        }
        "tools/list" => return Some(Answer::List(rpc(id, &tools.list()))),
        "tools/call" => {
            let meta = message.params.and_then(|params| params.meta);
            let tool_use_id = meta.and_then(|meta| meta.tool_use_id)?.0.into_owned();
            return Some(Answer::Later(Call { tool_use_id, id: id.to_string() }));
        }
        _ => "{}".to_string(),
    };
    Some(Answer::Now(rpc(id, &result)))
}

fn rpc(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn now(message: &Value) -> Value {
        match answer(&message.to_string(), &Tools::default()) {
            Some(Answer::Now(json) | Answer::List(json)) => serde_json::from_str(&json).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_program_is_greeted_in_its_own_version_and_gets_the_list() {
        let greeting =
            now(&json!({"method": "initialize", "id": 0, "params": {"protocolVersion": "2099-01-01"}}));
        assert_eq!(greeting["result"]["protocolVersion"], "2099-01-01");
        assert_eq!(now(&json!({"method": "tools/list", "id": 7}))["id"], 7);
        assert_eq!(now(&json!({"method": "notifications/initialized"}))["result"], json!({}));
    }

    #[test]
    fn a_call_waits_under_the_models_own_id() {
        let call = json!({"method": "tools/call", "id": "x", "params": {"name": "t", "arguments": {},
            "_meta": {"claudecode/toolUseId": "toolu_1", "progressToken": 2}}});
        let Some(Answer::Later(call)) = answer(&call.to_string(), &Tools::default()) else { panic!() };
        assert_eq!(call.tool_use_id, "toolu_1");
        assert_eq!(
            call.answered(r#"{"content":[]}"#),
            r#"{"jsonrpc":"2.0","id":"x","result":{"content":[]}}"#
        );
    }
}
