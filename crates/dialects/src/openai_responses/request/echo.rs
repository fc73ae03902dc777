//! What the response object repeats: the request's own words where it gave some, else OpenAI's defaults.

use messages::json::Members;
use serde_json::value::RawValue;

use super::made;
use crate::openai_responses::echo::Echo;
use crate::openai_responses::stored;

/// Members in the response object's order, with what stands there when the request says nothing.
const REPEATED: [(&str, &str); 18] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("model", r#""""#),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("store", "true"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
    ("metadata", "{}"),
];

/// The members as they will be repeated.
pub(super) struct Echoed(Vec<(&'static str, Box<RawValue>)>);

impl Echoed {
    pub(super) fn of(fields: &Members<'_>) -> Self {
        let given = |key: &str| {
            let found = fields.0.iter().find(|(name, value)| name == key && value.get() != "null");
            found.map(|(_, value)| *value)
        };
        let mut members: Vec<_> = REPEATED
            .into_iter()
            .map(|(key, default)| {
                let value = given(key).map(|value| repeated(key, value));
                (key, value.unwrap_or_else(|| made(default.to_owned())))
            })
            .collect();
        members.push(("service_tier", made(r#""default""#.to_owned())));
        members.push(("top_logprobs", made("0".to_owned())));
        // OpenAI leaves it out where nobody is named.
        members.extend(given("user").map(|user| ("user", user.to_owned())));
        Self(members)
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        if let Some((_, held)) = self.0.iter_mut().find(|(name, _)| *name == key) {
            *held = stored::raw(value);
        }
    }

    pub(super) fn finish(self, echo: Echo) -> Echo {
        Echo { members: self.0, ..echo }
    }
}

fn repeated(key: &str, value: &RawValue) -> Box<RawValue> {
    match key {
        "text" => with(&only(value, &["format", "verbosity"]), &[("format", r#"{"type":"text"}"#)], &[]),
        "reasoning" => {
            with(&only(value, &["effort", "summary"]), &[("effort", "null"), ("summary", "null")], &[])
        }
        "tools" => tools(value),
        _ => value.to_owned(),
    }
}

/// Without what must stay between the caller and this server: how an MCP server is logged in to.
fn tools(list: &RawValue) -> Box<RawValue> {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else { return made("[]".to_owned()) };
    let each = |tool: &&RawValue| {
        let is_function = |members: &Members<'_>| {
            members.0.iter().any(|(name, value)| name == "type" && value.get() == r#""function""#)
        };
        let function = serde_json::from_str(tool.get()).is_ok_and(|members| is_function(&members));
        let defaults: &[_] = if function { &[("parameters", "null"), ("strict", "null")] } else { &[] };
        with(tool, defaults, &["authorization", "headers"])
    };
    stored::raw(&list.iter().map(each).collect::<Vec<_>>())
}

/// The object with no other members than these: what has no effect is not repeated as if it had.
fn only(object: &RawValue, known: &[&str]) -> Box<RawValue> {
    let Ok(mut members) = serde_json::from_str::<Members<'_>>(object.get()) else { return object.to_owned() };
    members.0.retain(|(name, _)| known.contains(&&**name));
    let written: Vec<_> = members.0.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    made(format!("{{{}}}", written.join(",")))
}

/// The object with these members where it lacks them, and without those.
fn with(object: &RawValue, defaults: &[(&str, &str)], without: &[&str]) -> Box<RawValue> {
    let Ok(members) = serde_json::from_str::<Members<'_>>(object.get()) else { return object.to_owned() };
    let mut written: Vec<String> = members
        .0
        .iter()
        .filter(|(name, _)| !without.contains(&&**name))
        .map(|(name, value)| format!("{}:{}", stored::raw(&**name), value))
        .collect();
    let lacks = |key: &str| !members.0.iter().any(|(name, _)| name == key);
    let missing = defaults.iter().filter(|(key, _)| lacks(key));
    written.extend(missing.map(|(key, value)| format!("\"{key}\":{value}")));
    made(format!("{{{}}}", written.join(",")))
}
