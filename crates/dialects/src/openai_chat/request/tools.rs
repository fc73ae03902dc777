//! Tools and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::output::{Tool, ToolChoice};
use super::{ROOT, content, unsupported};

type Tools<'a> = (Option<Vec<Tool<'a>>>, Option<ToolChoice<'a>>);

/// Reads `tools`, `tool_choice` and `parallel_tool_calls`.
pub(super) fn read<'a>(fields: &mut Members<'a>, ignored: &mut Ignored) -> Result<Tools<'a>, ApiError> {
    let given: Vec<Members<'a>> = fields.optional("tools", &ROOT)?.unwrap_or_default();
    let at = ROOT.key("tools");
    let mut tools = Vec::with_capacity(given.len());
    let mut names = HashSet::new();
    for (index, tool) in given.into_iter().enumerate() {
        let at = at.index(index);
        let tool = Tool { index, ..read_tool(tool, &at, ignored)? };
        if !names.insert(tool.name.clone()) {
            return Err(at.key("function").key("name").invalid("two tools have this name"));
        }
        tools.push(tool);
    }
    let parallel: Option<bool> = fields.optional("parallel_tool_calls", &ROOT)?;
    let wish = fields.take("tool_choice").map(wish).transpose()?;
    let mut choice = wish.map(|wish| wish.among(&mut tools)).transpose()?.flatten();
    if tools.is_empty() {
        return Ok((None, None));
    }
    if parallel == Some(false) {
        let choice = choice.get_or_insert(ToolChoice::named("auto"));
        choice.disable_parallel_tool_use = choice.r#type != "none";
    }
    Ok((Some(tools), choice))
}

fn read_tool<'a>(mut tool: Members<'a>, at: &Path<'_>, ignored: &mut Ignored) -> Result<Tool<'a>, ApiError> {
    let Text(kind) = tool.required("type", at)?;
    if kind != "function" {
        return Err(unsupported(&at.key("type"), "only function tools are supported"));
    }
    let mut function: Members<'a> = tool.required("function", at)?;
    let cache_control = content::cache_control(&mut tool, at)?;
    ignored.rest_below(tool, "tools");
    let at = at.key("function");
    let Text(name) = function.required("name", &at)?;
    check_name(&name, &at.key("name"))?;
    let description: Option<Text<'a>> = function.optional("description", &at)?;
    let parameters = function.take("parameters");
    let input_schema = schema(parameters, &at.key("parameters"))?;
    if function.optional::<bool>("strict", &at)? == Some(true) {
        ignored.note("tools.function.strict");
    }
    ignored.rest_below(function, "tools.function");
    let description = description.map(|text| text.0).filter(|text| !text.is_empty());
    Ok(Tool { index: 0, name, description, input_schema, cache_control })
}

fn check_name(name: &str, at: &Path<'_>) -> Result<(), ApiError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(at.invalid("must be 1 to 64 characters of a-z, A-Z, 0-9, _ and -"));
    }
    Ok(())
}

/// The API wants the schema of an object and its `type` said. OpenAI takes a missing schema for "no arguments".
fn schema<'a>(raw: Option<&'a RawValue>, at: &Path<'_>) -> Result<Cow<'a, RawValue>, ApiError> {
    let Some(raw) = raw else { return owned(r#"{"type":"object","properties":{}}"#.to_owned(), at) };
    let members: Members<'_> = json::read(raw.get(), at)?;
    if let Some((name, _)) = members.0.iter().find(|(name, _)| matches!(&**name, "anyOf" | "oneOf" | "allOf"))
    {
        return Err(at.key(name).invalid("can't stand at the top of a tool's parameters"));
    }
    if let Some((_, properties)) = members.0.iter().find(|(name, _)| name == "properties") {
        json::read::<Members<'_>>(properties.get(), &at.key("properties"))?;
    }
    match members.0.iter().find(|(name, _)| name == "type") {
        Some((_, kind)) if kind.get() == r#""object""# => Ok(Cow::Borrowed(raw)),
        Some(_) => Err(at.key("type").invalid("must be object")),
        None => {
            let rest = raw.get().trim_start_matches('{').trim_start();
            let comma = if members.0.is_empty() { "" } else { "," };
            owned(format!(r#"{{"type":"object"{comma}{rest}"#), at)
        }
    }
}

fn owned<'a>(json: String, at: &Path<'_>) -> Result<Cow<'a, RawValue>, ApiError> {
    RawValue::from_string(json).map(Cow::Owned).map_err(|_| at.invalid("must be a JSON schema"))
}

/// What the caller wishes, before it is held against the tools there are.
enum Wish<'a> {
    Auto,
    None,
    Required,
    Named(Cow<'a, str>),
    Allowed { names: Vec<Cow<'a, str>>, required: bool },
}

fn wish(raw: &RawValue) -> Result<Wish<'_>, ApiError> {
    let at = ROOT.key("tool_choice");
    if raw.get().starts_with('"') {
        let Text(mode) = json::read(raw.get(), &at)?;
        return match &*mode {
            "auto" => Ok(Wish::Auto),
            "none" => Ok(Wish::None),
            "required" => Ok(Wish::Required),
            _ => Err(at.invalid("must be none, auto, required or an object")),
        };
    }
    let mut choice: Members<'_> = json::read(raw.get(), &at)?;
    let Text(kind) = choice.required("type", &at)?;
    match &*kind {
        "function" => function_name(&mut choice, &at).map(Wish::Named),
        "allowed_tools" => allowed(choice.required("allowed_tools", &at)?, &at.key("allowed_tools")),
        "custom" => Err(unsupported(&at.key("type"), "only function tools are supported")),
        _ => Err(at.key("type").invalid("must be function or allowed_tools")),
    }
}

fn function_name<'a>(holder: &mut Members<'a>, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let mut function: Members<'a> = holder.required("function", at)?;
    let Text(name) = function.required("name", &at.key("function"))?;
    Ok(name)
}

fn allowed<'a>(mut allowed: Members<'a>, at: &Path<'_>) -> Result<Wish<'a>, ApiError> {
    let Text(mode) = allowed.required("mode", at)?;
    if !matches!(&*mode, "auto" | "required") {
        return Err(at.key("mode").invalid("must be auto or required"));
    }
    let tools: Vec<Members<'a>> = allowed.required("tools", at)?;
    let at = at.key("tools");
    let read = |(index, mut tool)| function_name(&mut tool, &at.index(index));
    let names: Vec<_> = tools.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(at.invalid("at least one tool is required"));
    }
    Ok(Wish::Allowed { names, required: mode == "required" })
}

impl<'a> Wish<'a> {
    /// The choice among these tools; those that are not allowed go.
    fn among(self, tools: &mut Vec<Tool<'a>>) -> Result<Option<ToolChoice<'a>>, ApiError> {
        let at = ROOT.key("tool_choice");
        let known: HashSet<Cow<'a, str>> = tools.iter().map(|tool| tool.name.clone()).collect();
        match self {
            Self::Auto | Self::None if tools.is_empty() => Ok(None),
            _ if tools.is_empty() => Err(at.invalid("needs tools to choose from")),
            Self::Auto => Ok(Some(ToolChoice::named("auto"))),
            Self::None => Ok(Some(ToolChoice::named("none"))),
            Self::Required => Ok(Some(ToolChoice::named("any"))),
            Self::Named(name) if known.contains(&name) => {
                Ok(Some(ToolChoice { name: Some(name), ..ToolChoice::named("tool") }))
            }
            Self::Named(_) => Err(at.key("function").key("name").invalid("names none of the tools")),
            Self::Allowed { names, required } => {
                if let Some(index) = names.iter().position(|name| !known.contains(name)) {
                    let at = at.key("allowed_tools");
                    return Err(at.key("tools").index(index).invalid("names none of the tools"));
                }
                let allowed: HashSet<Cow<'a, str>> = names.into_iter().collect();
                tools.retain(|tool| allowed.contains(&tool.name));
                Ok(Some(ToolChoice::named(if required { "any" } else { "auto" })))
            }
        }
    }
}

impl ToolChoice<'_> {
    const fn named(kind: &'static str) -> Self {
        Self { r#type: kind, name: None, disable_parallel_tool_use: false }
    }
}
