//! The way back from a place in the Messages request to the place in the chat request that it was made of, so that a
//! backend's complaint names the caller's own fields.

use std::fmt::Write;

use messages::{ApiError, Ignored, ignored};

use crate::openai::origin::{Member, Origin, ToolOrigin};
use crate::openai::output::{self, AnyTool, Placed, Request, Source};

/// A block's origin, and those of the blocks in it.
#[derive(Clone, Debug)]
struct Block {
    /// The member of a content part that became its source.
    source: &'static str,
    origin: Origin,
    within: Vec<Self>,
}

/// The origins of everything in one translated request.
#[derive(Clone, Debug, Default)]
pub struct Places {
    system: Vec<Block>,
    turns: Vec<Vec<Block>>,
    /// The tools that were taken; none for those that the API serves itself.
    tools: Vec<Option<ToolOrigin>>,
    /// The messages are the prompt of a legacy completion.
    prompt: bool,
    /// What `max_tokens` was made of.
    limit: &'static str,
    /// What `metadata` was made of.
    user: &'static str,
    /// Members of `anthropic`.
    over: Vec<String>,
}

impl Places {
    /// The places of a request whose limit and user come from these members.
    pub(super) fn of(request: &Request<'_>, limit: &'static str, user: &'static str) -> Self {
        let blocks = |blocks: &[Placed<'_>]| blocks.iter().map(Block::of).collect();
        Self {
            system: blocks(&request.system),
            turns: request.messages.iter().map(|turn| blocks(&turn.content)).collect(),
            tools: request.tools.iter().map(AnyTool::origin).collect(),
            prompt: false,
            limit,
            user,
            over: request.over.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// The same for a legacy completion.
    pub(super) fn of_completion(request: &Request<'_>, limit: &'static str, user: &'static str) -> Self {
        Self { prompt: true, ..Self::of(request, limit, user) }
    }

    /// The error as it concerns the chat request: its path, also in front of its message, is the caller's.
    #[must_use]
    pub fn in_chat(&self, error: ApiError) -> ApiError {
        if let Some(names) = ignored::names_told(&error)
            && let Err(error) = ignored::refused(&self.names_in_chat(names))
        {
            return error;
        }
        let Some(path) = error.path.as_deref() else { return error };
        let Some(chat) = self.chat_path(path) else { return error };
        let message = match error.message.strip_prefix(path).filter(|rest| rest.starts_with(':')) {
            Some(rest) => format!("{chat}{rest}"),
            None => error.message.clone(),
        };
        ApiError { path: Some(chat), message, ..error }
    }

    /// Names of ignored fields as the chat request has them, each once.
    #[must_use]
    pub fn names_in_chat(&self, names: Vec<String>) -> Vec<String> {
        let mut told = Ignored::default();
        names.into_iter().for_each(|name| told.note(&self.chat_path(&name).unwrap_or(name)));
        told.names()
    }

    /// The chat path of what stands at `path` in the Messages request; `None` where it is the same or not known.
    fn chat_path(&self, path: &str) -> Option<String> {
        let (member, rest) = split_member(path);
        if self.over.iter().any(|name| name == member) {
            return Some(format!("anthropic.{path}"));
        }
        match member {
            "messages" if self.prompt => Some("prompt".to_owned()),
            "messages" => self.in_messages(rest),
            "system" => {
                let (index, rest) = split_index(rest)?;
                self.system.get(index)?.chat_path(rest)
            }
            "tools" => self.in_tools(rest),
            "tool_choice" => self.in_tool_choice(rest).map(str::to_owned),
            "max_tokens" => Some(self.limit.to_owned()),
            "metadata" => Some(self.user.to_owned()),
            "stop_sequences" => Some("stop".to_owned()),
            "thinking" => Some("reasoning_effort".to_owned()),
            "output_config" => match rest.strip_prefix(".format") {
                None => Some("reasoning_effort".to_owned()),
                Some(rest) if rest.starts_with(".schema") => {
                    Some(format!("response_format.json_schema{rest}"))
                }
                Some(_) => Some("response_format".to_owned()),
            },
            _ => None,
        }
    }

    fn in_messages(&self, rest: &str) -> Option<String> {
        let (index, rest) = split_index(rest)?;
        let turn = self.turns.get(index)?;
        if let Some((block, rest)) = rest.strip_prefix(".content").and_then(split_index) {
            return turn.get(block)?.chat_path(rest);
        }
        // Of neighbours that were joined the last one counts: what follows a turn depends on it.
        let message = turn.iter().rev().find_map(|block| block.origin.message)?;
        Some(format!("messages[{message}]{rest}"))
    }

    fn in_tools(&self, rest: &str) -> Option<String> {
        let (index, rest) = split_index(rest)?;
        let (at, kind) = match self.tools.get(index)? {
            None => return Some("web_search_options".to_owned()),
            Some(ToolOrigin::Made) => return Some("response_format".to_owned()),
            Some(ToolOrigin::Function(index)) => (format!("tools[{index}]"), ".function"),
            Some(ToolOrigin::Custom(index)) => return Some(in_custom_tool(*index, rest)),
            Some(ToolOrigin::Legacy(index)) => (format!("functions[{index}]"), ""),
        };
        Some(match rest.strip_prefix(".input_schema") {
            Some(rest) => format!("{at}{kind}.parameters{rest}"),
            None if rest.is_empty() || rest.starts_with(".cache_control") => at + rest,
            None => format!("{at}{kind}{rest}"),
        })
    }

    fn in_tool_choice(&self, rest: &str) -> Option<&'static str> {
        let has = |wanted: fn(&ToolOrigin) -> bool| self.tools.iter().flatten().any(wanted);
        if has(|origin| matches!(origin, ToolOrigin::Made)) {
            return Some("response_format");
        }
        if has(|origin| matches!(origin, ToolOrigin::Legacy(_))) {
            return Some("function_call");
        }
        rest.strip_prefix(".name").map(|_| "tool_choice.function.name")
    }
}

/// The API's schema of a custom tool is none of the caller's.
fn in_custom_tool(index: usize, rest: &str) -> String {
    if rest.is_empty() || rest.starts_with(".cache_control") {
        format!("tools[{index}]{rest}")
    } else if rest.starts_with(".input_schema") {
        format!("tools[{index}].custom")
    } else {
        format!("tools[{index}].custom{rest}")
    }
}

impl Block {
    fn of(placed: &Placed<'_>) -> Self {
        let within = placed.block.within().iter().map(Self::of).collect();
        Self { source: source(&placed.block), origin: placed.origin, within }
    }

    /// The chat path of `rest`, which stands below this block.
    fn chat_path(&self, rest: &str) -> Option<String> {
        let mut path = format!("messages[{}]", self.origin.message?);
        let inner = match self.origin.member {
            Member::Whole => return self.in_result(path, rest),
            Member::Content => return Some(path + ".content"),
            Member::Refusal => return Some(path + ".refusal"),
            Member::Part(index) => {
                // Writing to a string can't fail.
                let _ = write!(path, ".content[{index}]");
                match rest {
                    ".title" => ".file.filename",
                    _ if rest.starts_with(".source") => self.source,
                    _ => rest,
                }
            }
            Member::Reasoning(index) => {
                let _ = write!(path, ".reasoning_details[{index}]");
                if rest == ".thinking" { ".text" } else { rest }
            }
            Member::Remembered => return Some(path),
            Member::FunctionCall => return Some(in_call(path + ".function_call", "", "arguments", rest)),
            Member::Call(index) => {
                let _ = write!(path, ".tool_calls[{index}]");
                return Some(in_call(path, ".function", "arguments", rest));
            }
            Member::CustomCall(index) => {
                let _ = write!(path, ".tool_calls[{index}]");
                return Some(in_call(path, ".custom", "input", rest));
            }
        };
        Some(path + inner)
    }

    fn in_result(&self, path: String, rest: &str) -> Option<String> {
        if let Some((index, rest)) = rest.strip_prefix(".content").and_then(split_index) {
            return self.within.get(index)?.chat_path(rest);
        }
        Some(path + if rest == ".tool_use_id" { ".tool_call_id" } else { rest })
    }
}

/// A place in a call at `path`; what is called stands in its member `kind`.
fn in_call(path: String, kind: &str, input: &str, rest: &str) -> String {
    match rest {
        ".name" => path + kind + ".name",
        _ if rest.starts_with(".input") => format!("{path}{kind}.{input}"),
        _ => path + rest,
    }
}

/// The member of a content part that became this block's source; empty for one without.
const fn source(block: &output::Block<'_>) -> &'static str {
    match block {
        output::Block::Image { .. } => ".image_url.url",
        output::Block::Document { source: Source::File { .. }, .. } => ".file.file_id",
        output::Block::Document { .. } => ".file.file_data",
        _ => "",
    }
}

/// `messages[0].role` → `messages`, `[0].role`.
fn split_member(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// `[12].role` → 12, `.role`.
fn split_index(rest: &str) -> Option<(usize, &str)> {
    let (index, rest) = rest.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
