//! `tools` and `tool_choice`.

use super::fields::{self, unknown_tag};
use super::{Flaw, Object};
use serde_json::Value;

const CUSTOM: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "allowed_callers",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "strict",
];

/// How the types of the API's own tools start; each is followed by a date.
const OWN: &[&str] = &[
    "advisor_",
    "bash_",
    "browser_toolset_",
    "code_execution_",
    "computer_",
    "mcp_toolset",
    "memory_",
    "text_editor_",
    "tool_search_tool_",
    "web_fetch_",
    "web_search_",
];

const MAX_NAME_CHARS: usize = 64;

pub(super) fn check(body: &Object) -> Result<(), Flaw> {
    let tools = match body.get("tools") {
        None => &[],
        Some(tools) => fields::list(tools).map_err(|flaw| flaw.within("tools"))?,
    };
    for (index, tool) in tools.iter().enumerate() {
        self::tool(tool).map_err(|flaw| flaw.within(format_args!("tools.{index}")))?;
    }
    let mut names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Flaw::at("tools", "Tool names must be unique."));
    }
    match body.get("tool_choice") {
        Some(choice) => self::choice(choice, &names).map_err(|flaw| flaw.within("tool_choice")),
        None => Ok(()),
    }
}

fn tool(value: &Value) -> Result<(), Flaw> {
    let tool = fields::object(value)?;
    match tool.get("type").filter(|kind| !kind.is_null()) {
        None => custom(tool).map_err(|flaw| flaw.within("custom")),
        Some(kind) => match kind.as_str() {
            Some("custom") => custom(tool).map_err(|flaw| flaw.within("custom")),
            Some(kind) if OWN.iter().any(|start| kind.starts_with(start)) => Ok(()),
            Some(kind) => Err(unknown_tag(kind, &["custom", "bash_20250124", "web_search_20260318"])),
            None => Err(Flaw::at("type", "Input should be a valid string")),
        },
    }
}

fn custom(tool: &Object) -> Result<(), Flaw> {
    fields::only(tool, CUSTOM)?;
    let name = fields::string(tool, "name")?;
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Flaw::at("name", format!("String should have at most {MAX_NAME_CHARS} characters")));
    }
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err(Flaw::at("name", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"));
    }
    if tool.get("description").is_some_and(|text| !text.is_string()) {
        return Err(Flaw::at("description", "Input should be a valid string"));
    }
    schema(fields::required(tool, "input_schema")?).map_err(|flaw| flaw.within("input_schema"))
}

fn schema(value: &Value) -> Result<(), Flaw> {
    let schema = fields::object(value)?;
    fields::one_of(fields::required(schema, "type")?, &["object"]).map_err(|flaw| flaw.within("type"))?;
    if ["oneOf", "allOf", "anyOf"].iter().any(|name| schema.contains_key(*name)) {
        return Err(Flaw::here("input_schema does not support oneOf, allOf, or anyOf at the top level"));
    }
    if schema.get("properties").is_some_and(|properties| !properties.is_object() && !properties.is_null()) {
        return Err(Flaw::here("JSON schema is invalid. It must match JSON Schema draft 2020-12"));
    }
    Ok(())
}

fn choice(value: &Value, names: &[&str]) -> Result<(), Flaw> {
    let choice = fields::object(value)?;
    let kind = fields::string(choice, "type")?;
    let known: &[&str] = match kind {
        "auto" | "any" => &["type", "disable_parallel_tool_use"],
        "none" => &["type"],
        "tool" => &["type", "name", "disable_parallel_tool_use"],
        other => return Err(unknown_tag(other, &["auto", "any", "tool", "none"])),
    };
    fields::only(choice, known).map_err(|flaw| flaw.within(kind))?;
    if kind == "tool" {
        let name = fields::string(choice, "name").map_err(|flaw| flaw.within(kind))?;
        if names.binary_search(&name).is_err() {
            return Err(Flaw::here(format!("Tool '{name}' not found in provided tools")));
        }
    }
    if names.is_empty() && kind != "none" {
        return Err(Flaw::here("may only be specified while providing `tools`."));
    }
    Ok(())
}
