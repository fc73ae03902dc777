//! Tools and the choice among them: functions, custom tools, and the functions of before there were tools.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::{content, custom};
use crate::models::Rules;
use crate::openai::origin::ToolOrigin;
use crate::openai::output::{AnyTool, Tool, ToolChoice};
use crate::openai::tools::{Named, Strict, Wish, check_name, choose, schema};
use crate::openai::{ROOT, unsupported};

/// What a request offers the model.
#[derive(Default)]
pub(super) struct Tools<'a> {
    pub(super) list: Vec<AnyTool<'a>>,
    pub(super) choice: Option<ToolChoice<'a>>,
    /// The names of the custom ones.
    pub(super) custom: BTreeSet<String>,
    /// They came as `functions`.
    pub(super) as_functions: bool,
}

/// Reads `tools`, `tool_choice` and `parallel_tool_calls`, or `functions` and `function_call`.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    ignored: &mut Ignored,
) -> Result<Tools<'a>, ApiError> {
    let mut reader =
        Reader { tools: Tools::default(), names: HashSet::new(), strict: Strict::default(), rules };
    let given: Vec<Members<'a>> = fields.optional("tools", &ROOT)?.unwrap_or_default();
    for (index, tool) in given.into_iter().enumerate() {
        reader.tool(tool, index, &ROOT.key("tools").index(index), ignored)?;
    }
    let functions: Vec<Members<'a>> = fields.optional("functions", &ROOT)?.unwrap_or_default();
    if !functions.is_empty() && !reader.tools.list.is_empty() {
        return Err(ApiError::invalid("functions", "can't stand beside tools"));
    }
    reader.tools.as_functions = !functions.is_empty();
    for (index, function) in functions.into_iter().enumerate() {
        let at = ROOT.key("functions");
        let at = at.index(index);
        let tool = reader.function(function, "functions", &at, ignored)?;
        reader.add(Tool { origin: ToolOrigin::Legacy(index), ..tool }, &at)?;
    }
    let mut tools = reader.tools;
    let parallel: Option<bool> = fields.optional("parallel_tool_calls", &ROOT)?;
    let wished = match (fields.take("tool_choice"), fields.take("function_call")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("function_call", "can't stand beside tool_choice"));
        }
        (Some(raw), None) => Some(wish(raw, &ROOT.key("tool_choice"))?),
        (None, Some(raw)) => Some(function_wish(raw, &ROOT.key("function_call"))?),
        (None, None) => None,
    };
    // A message has room for one `function_call`.
    let parallel = if tools.as_functions { Some(false) } else { parallel };
    tools.choice = choose(&mut tools.list, wished, parallel)?;
    Ok(tools)
}

struct Reader<'a> {
    tools: Tools<'a>,
    names: HashSet<Cow<'a, str>>,
    strict: Strict,
    rules: Rules,
}

impl<'a> Reader<'a> {
    fn tool(
        &mut self,
        mut tool: Members<'a>,
        index: usize,
        at: &Path<'_>,
        ignored: &mut Ignored,
    ) -> Result<(), ApiError> {
        let Text(kind) = tool.required("type", at)?;
        let cache_control = content::cache_control(&mut tool, at)?;
        let (read, inner) = match &*kind {
            "function" => {
                let function: Members<'a> = tool.required("function", at)?;
                (self.function(function, "tools.function", &at.key("function"), ignored)?, "function")
            }
            "custom" => {
                let read = custom::tool(tool.required("custom", at)?, &at.key("custom"), ignored)?;
                self.tools.custom.insert(read.name.clone().into_owned());
                (read, "custom")
            }
            _ => return Err(unsupported(&at.key("type"), "only function and custom tools are supported")),
        };
        let origin = match inner {
            "custom" => ToolOrigin::Custom(index),
            _ => ToolOrigin::Function(index),
        };
        ignored.rest_below(tool, "tools");
        self.add(Tool { origin, cache_control, ..read }, &at.key(inner))
    }

    fn add(&mut self, tool: Tool<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        if !self.names.insert(tool.name.clone()) {
            return Err(at.key("name").invalid("two tools have this name"));
        }
        self.tools.list.push(AnyTool::Own(tool));
        Ok(())
    }

    fn function(
        &mut self,
        mut function: Members<'a>,
        place: &str,
        at: &Path<'_>,
        ignored: &mut Ignored,
    ) -> Result<Tool<'a>, ApiError> {
        let name = name(&mut function, at)?;
        let description: Option<Text<'a>> = function.optional("description", at)?;
        let parameters = function.take("parameters");
        let mut input_schema = schema(parameters, &at.key("parameters"))?;
        let mut strict = function.optional::<bool>("strict", at)? == Some(true);
        if strict {
            match self.strict.schema(&input_schema, self.rules, &at.key("parameters")) {
                Some(closed) => input_schema = Cow::Owned(closed),
                None => {
                    strict = false;
                    ignored.note(&format!("{place}.strict"));
                }
            }
        }
        ignored.rest_below(function, place);
        let description = description.map(|text| text.0).filter(|text| !text.is_empty());
        Ok(Tool { description, strict, ..Tool::new(name, input_schema) })
    }
}

/// The `name` of a tool at `at`, in the API's alphabet.
pub(super) fn name<'a>(tool: &mut Members<'a>, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let Text(name) = tool.required("name", at)?;
    check_name(&name, &at.key("name"))?;
    Ok(name)
}

fn wish<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Wish<'a>, ApiError> {
    if raw.get().starts_with('"') {
        let Text(mode) = json::read(raw.get(), at)?;
        return Wish::word(&mode, at);
    }
    let mut choice: Members<'a> = json::read(raw.get(), at)?;
    let Text(kind) = choice.required("type", at)?;
    match &*kind {
        kind @ ("function" | "custom") => {
            let name = tool_name(&mut choice, kind, at)?;
            Ok(Wish::Named(Named { name, at: at.key(kind).key("name").to_string() }))
        }
        "allowed_tools" => allowed(choice.required("allowed_tools", at)?, &at.key("allowed_tools")),
        _ => Err(at.key("type").invalid("must be function, custom or allowed_tools")),
    }
}

/// `function_call`: `none`, `auto`, or the function to be called.
fn function_wish<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Wish<'a>, ApiError> {
    match raw.get() {
        r#""auto""# => return Ok(Wish::Auto),
        r#""none""# => return Ok(Wish::None),
        text if text.starts_with('"') => return Err(at.invalid("must be none, auto or an object")),
        _ => {}
    }
    let mut choice: Members<'a> = json::read(raw.get(), at)?;
    let Text(name) = choice.required("name", at)?;
    Ok(Wish::Named(Named { name, at: at.key("name").to_string() }))
}

fn tool_name<'a>(holder: &mut Members<'a>, kind: &str, at: &Path<'_>) -> Result<Cow<'a, str>, ApiError> {
    let mut tool: Members<'a> = holder.required(kind, at)?;
    let Text(name) = tool.required("name", &at.key(kind))?;
    Ok(name)
}

fn allowed<'a>(mut allowed: Members<'a>, at: &Path<'_>) -> Result<Wish<'a>, ApiError> {
    let Text(mode) = allowed.required("mode", at)?;
    if !matches!(&*mode, "auto" | "required") {
        return Err(at.key("mode").invalid("must be auto or required"));
    }
    let tools: Vec<Members<'a>> = allowed.required("tools", at)?;
    let at = at.key("tools");
    let mut named = Vec::with_capacity(tools.len());
    for (index, mut tool) in tools.into_iter().enumerate() {
        let at = at.index(index);
        let kind: Option<Text<'a>> = tool.optional("type", &at)?;
        let kind = kind.as_ref().map_or("function", |kind| &*kind.0);
        if !matches!(kind, "function" | "custom") {
            return Err(at.key("type").invalid("must be function or custom"));
        }
        named.push(Named { name: tool_name(&mut tool, kind, &at)?, at: at.to_string() });
    }
    if named.is_empty() {
        return Err(at.invalid("at least one tool is required"));
    }
    Ok(Wish::Allowed { tools: named, required: mode == "required" })
}
