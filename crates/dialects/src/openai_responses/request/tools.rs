//! Tools and the choice among them: what becomes a tool of the Messages API, and what it is to the caller.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::hosted::{self, McpTools};
use super::{content, made};
use crate::models::Rules;
use crate::openai::origin::ToolOrigin;
use crate::openai::output::{AnyTool, McpServer, Tool, ToolChoice};
use crate::openai::tools::{Named, Strict, Wish, check_name, choose, schema};
use crate::openai::web_search;
use crate::openai::{ROOT, unsupported};
use crate::openai_responses::echo::ToolKind;

/// The caller's own shell, as a tool upstream.
pub(super) const LOCAL_SHELL: &str = "local_shell";

const LOCAL_SHELL_TOLD: &str = "Runs a command on the user's machine and gives its output.";

const LOCAL_SHELL_SCHEMA: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments"},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}}},"required":["command"]}"#;

const CUSTOM_SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// What goes upstream.
#[derive(Default)]
pub(super) struct Tools<'a> {
    pub(super) list: Vec<AnyTool<'a>>,
    pub(super) choice: Option<ToolChoice<'a>>,
    pub(super) servers: Vec<McpServer<'a>>,
}

struct Reader<'a, 'i> {
    tools: Tools<'a>,
    kinds: HashMap<String, ToolKind>,
    names: HashSet<String>,
    strict: Strict,
    rules: Rules,
    /// Whether the backend carries tools that the API serves itself.
    serves: bool,
    /// The most calls of tools that the API serves itself.
    most_calls: Option<u64>,
    /// What a namespace says of itself, until one of its tools has told it.
    heading: Option<Cow<'a, str>>,
    ignored: &'i mut Ignored,
}

/// Reads `tools`, `tool_choice`, `parallel_tool_calls` and `max_tool_calls`.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    serves: bool,
    ignored: &mut Ignored,
) -> Result<(Tools<'a>, HashMap<String, ToolKind>), ApiError> {
    let given: Vec<Members<'a>> = fields.optional("tools", &ROOT)?.unwrap_or_default();
    let most_calls: Option<u64> = fields.optional("max_tool_calls", &ROOT)?;
    if most_calls == Some(0) {
        return Err(ApiError::invalid("max_tool_calls", "must be at least 1"));
    }
    let mut reader = Reader {
        tools: Tools::default(),
        kinds: HashMap::new(),
        names: HashSet::new(),
        strict: Strict::default(),
        rules,
        serves,
        most_calls,
        heading: None,
        ignored,
    };
    let at = ROOT.key("tools");
    for (index, tool) in given.into_iter().enumerate() {
        reader.tool(tool, &at.index(index), None)?;
    }
    let Reader { mut tools, kinds, .. } = reader;
    let parallel: Option<bool> = fields.optional("parallel_tool_calls", &ROOT)?;
    let wish = fields.take("tool_choice").map(wish).transpose()?;
    tools.choice = choose(&mut tools.list, wish, parallel)?;
    if tools.list.is_empty() {
        tools.servers.clear();
    }
    Ok((tools, kinds))
}

/// A tool's name upstream, where there are no namespaces.
pub(super) fn joined<'a>(namespace: Option<&str>, name: Cow<'a, str>) -> Cow<'a, str> {
    match namespace {
        Some(namespace) if !namespace.is_empty() => Cow::Owned(format!("{namespace}__{name}")),
        _ => name,
    }
}

impl<'a> Reader<'a, '_> {
    fn tool(
        &mut self,
        mut tool: Members<'a>,
        at: &Path<'_>,
        namespace: Option<&str>,
    ) -> Result<(), ApiError> {
        let Text(kind) = tool.required("type", at)?;
        match &*kind {
            "function" => self.function(&mut tool, at, namespace)?,
            "custom" => self.custom(&mut tool, at, namespace)?,
            "namespace" if namespace.is_none() => return self.namespace(tool, at),
            "local_shell" => self.local_shell(at)?,
            "web_search"
            | "web_search_2025_08_26"
            | "web_search_preview"
            | "web_search_preview_2025_03_11" => {
                self.unique(web_search::NAME, &at.key("type"))?;
                if !self.serves {
                    // Clients like Codex offer it always; without it they work as well.
                    self.ignored.note("tools.web_search");
                    return Ok(());
                }
                let search = hosted::web_search(&mut tool, at, self.most_calls, self.ignored)?;
                self.tools.list.push(search);
            }
            "mcp" if !self.serves => {
                return Err(unsupported(
                    &at.key("type"),
                    "the claude-code backend has no MCP connector; the anthropic backend does",
                ));
            }
            "mcp" => {
                let McpTools { server, tools } = hosted::mcp(&mut tool, at, self.ignored)?;
                // No tool's own name has a space in it.
                self.unique(&format!("server {}", server.name), &at.key("server_label"))?;
                if self.most_calls.is_some() {
                    self.ignored.note("max_tool_calls");
                }
                self.tools.servers.push(server);
                self.tools.list.push(tools);
            }
            // It finds tools that are told only when they are wanted; here all are told from the beginning.
            "tool_search" => {
                self.ignored.note("tools.tool_search");
                return Ok(());
            }
            _ => return Err(unsupported(&at.key("type"), "Claude has no such tool")),
        }
        self.ignored.rest_below(tool, "tools");
        Ok(())
    }

    /// Tools under one heading, which is told with the first of them.
    fn namespace(&mut self, mut group: Members<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(name) = group.required("name", at)?;
        check_name(&name, &at.key("name"))?;
        self.heading = description(&mut group, at)?;
        let tools: Vec<Members<'a>> = group.required("tools", at)?;
        self.ignored.rest_below(group, "tools");
        let at = at.key("tools");
        for (index, tool) in tools.into_iter().enumerate() {
            self.tool(tool, &at.index(index), Some(&name))?;
        }
        self.heading = None;
        Ok(())
    }

    fn function(
        &mut self,
        tool: &mut Members<'a>,
        at: &Path<'_>,
        namespace: Option<&str>,
    ) -> Result<(), ApiError> {
        let (own, name) = self.name(tool, at, namespace)?;
        let description = joined_lines(self.heading.take(), description(tool, at)?);
        let parameters = tool.take("parameters");
        let mut input_schema = schema(parameters, &at.key("parameters"))?;
        let mut strict = tool.optional::<bool>("strict", at)? == Some(true);
        if strict {
            match self.strict.schema(&input_schema, self.rules, &at.key("parameters")) {
                Some(closed) => input_schema = Cow::Owned(closed),
                None => {
                    strict = false;
                    self.ignored.note("tools.strict");
                }
            }
        }
        if let Some(namespace) = namespace {
            let namespace = Some(namespace.to_owned());
            self.kinds.insert(name.to_string(), ToolKind::Function { namespace, name: own.into_owned() });
        }
        let cache_control = content::cache_control(tool, at)?;
        self.tools.list.push(AnyTool::Own(Tool {
            origin: ToolOrigin::function(at),
            description,
            strict,
            cache_control,
            ..Tool::new(name, input_schema)
        }));
        Ok(())
    }

    /// A tool that takes text becomes one that takes an object with that text.
    fn custom(
        &mut self,
        tool: &mut Members<'a>,
        at: &Path<'_>,
        namespace: Option<&str>,
    ) -> Result<(), ApiError> {
        let (own, name) = self.name(tool, at, namespace)?;
        let told = description(tool, at)?;
        let grammar = tool.optional::<Members<'a>>("format", at)?;
        let grammar = grammar.map(|format| grammar_told(format, &at.key("format"))).transpose()?.flatten();
        if grammar.is_some() {
            // Told, but not enforced.
            self.ignored.note("tools.format");
        }
        let description = joined_lines(joined_lines(self.heading.take(), told), grammar.map(Cow::Owned));
        let namespace = namespace.map(str::to_owned);
        self.kinds.insert(name.to_string(), ToolKind::Custom { namespace, name: own.into_owned() });
        let cache_control = content::cache_control(tool, at)?;
        let input_schema = Cow::Owned(made(CUSTOM_SCHEMA.to_owned()));
        self.tools.list.push(AnyTool::Own(Tool {
            origin: ToolOrigin::custom(at),
            description,
            cache_control,
            ..Tool::new(name, input_schema)
        }));
        Ok(())
    }

    fn local_shell(&mut self, at: &Path<'_>) -> Result<(), ApiError> {
        self.unique(LOCAL_SHELL, &at.key("type"))?;
        self.kinds.insert(LOCAL_SHELL.to_owned(), ToolKind::LocalShell);
        let schema = Cow::Owned(made(LOCAL_SHELL_SCHEMA.to_owned()));
        let tool = Tool::new(Cow::Borrowed(LOCAL_SHELL), schema);
        let description = Some(Cow::Borrowed(LOCAL_SHELL_TOLD));
        let origin = ToolOrigin::custom(at);
        self.tools.list.push(AnyTool::Own(Tool { origin, description, ..tool }));
        Ok(())
    }

    /// The tool's own name, and its name upstream.
    fn name(
        &mut self,
        tool: &mut Members<'a>,
        at: &Path<'_>,
        namespace: Option<&str>,
    ) -> Result<(Cow<'a, str>, Cow<'a, str>), ApiError> {
        let Text(own) = tool.required("name", at)?;
        let at = at.key("name");
        check_name(&own, &at)?;
        let name = joined(namespace, own.clone());
        if name.len() > 128 {
            return Err(at.invalid("must not be longer than 128 characters with its namespace"));
        }
        self.unique(&name, &at)?;
        Ok((own, name))
    }

    fn unique(&mut self, name: &str, at: &Path<'_>) -> Result<(), ApiError> {
        if self.names.insert(name.to_owned()) { Ok(()) } else { Err(at.invalid("two tools have this name")) }
    }
}

fn description<'a>(tool: &mut Members<'a>, at: &Path<'_>) -> Result<Option<Cow<'a, str>>, ApiError> {
    let told: Option<Text<'a>> = tool.optional("description", at)?;
    Ok(told.map(|text| text.0).filter(|text| !text.is_empty()))
}

fn joined_lines<'a>(first: Option<Cow<'a, str>>, second: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Cow::Owned(format!("{first}\n\n{second}"))),
        (first, second) => first.or(second),
    }
}

/// The grammar of a custom tool in words: the API has none, the model follows it as well as it can.
fn grammar_told(mut format: Members<'_>, at: &Path<'_>) -> Result<Option<String>, ApiError> {
    let Text(kind) = format.required("type", at)?;
    match &*kind {
        "text" => Ok(None),
        "grammar" => {
            let Text(syntax) = format.required("syntax", at)?;
            let Text(definition) = format.required("definition", at)?;
            let known = match &*syntax {
                "lark" => "Lark grammar",
                "regex" => "regular expression",
                _ => return Err(at.key("syntax").invalid("must be lark or regex")),
            };
            Ok(Some(format!("`input` must follow this {known} exactly:\n{definition}")))
        }
        _ => Err(at.key("type").invalid("must be text or grammar")),
    }
}

fn wish(raw: &RawValue) -> Result<Wish<'_>, ApiError> {
    let at = ROOT.key("tool_choice");
    if raw.get().starts_with('"') {
        let Text(mode) = json::read(raw.get(), &at)?;
        return Wish::word(&mode, &at);
    }
    let mut choice: Members<'_> = json::read(raw.get(), &at)?;
    let Text(kind) = choice.required("type", &at)?;
    if kind != "allowed_tools" {
        return named(&kind, &mut choice, &at).map(Wish::Named);
    }
    let Text(mode) = choice.required("mode", &at)?;
    if !matches!(&*mode, "auto" | "required") {
        return Err(at.key("mode").invalid("must be auto or required"));
    }
    let list: Vec<Members<'_>> = choice.required("tools", &at)?;
    let at = at.key("tools");
    if list.is_empty() {
        return Err(at.invalid("at least one tool is required"));
    }
    let mut tools = Vec::with_capacity(list.len());
    for (index, mut tool) in list.into_iter().enumerate() {
        let at = at.index(index);
        let Text(kind) = tool.required("type", &at)?;
        tools.push(named(&kind, &mut tool, &at)?);
    }
    Ok(Wish::Allowed { tools, required: mode == "required" })
}

/// The tool that a choice names, by the name it has upstream.
fn named<'a>(kind: &str, choice: &mut Members<'a>, at: &Path<'_>) -> Result<Named<'a>, ApiError> {
    let fixed = |name: &'static str| Named { name: Cow::Borrowed(name), at: at.key("type").to_string() };
    match kind {
        "function" | "custom" => {
            let Text(name) = choice.required("name", at)?;
            let namespace: Option<Text<'_>> = choice.optional("namespace", at)?;
            let name = joined(namespace.as_ref().map(|text| &*text.0), name);
            Ok(Named { name, at: at.key("name").to_string() })
        }
        "local_shell" => Ok(fixed(LOCAL_SHELL)),
        "web_search" | "web_search_2025_08_26" | "web_search_preview" | "web_search_preview_2025_03_11" => {
            Ok(fixed(web_search::NAME))
        }
        _ => Err(unsupported(&at.key("type"), "no such tool can be chosen")),
    }
}
