//! How chat requests and legacy completions name their places.

use crate::openai::origin::{Member, ToolOrigin};
use crate::openai::output::{Block, Source};
use crate::openai::places::Words;

/// Chat Completions' own words.
#[derive(Debug)]
pub(super) struct Chat;

impl Words for Chat {
    fn said(&self) -> &'static str {
        "messages"
    }

    fn output(&self) -> &'static str {
        "content"
    }

    fn call_id(&self) -> &'static str {
        "tool_call_id"
    }

    fn source(&self, block: &Block<'_>) -> &'static str {
        match block {
            Block::Image { .. } => ".image_url.url",
            Block::Document { source: Source::File { .. }, .. } => ".file.file_id",
            Block::Document { .. } => ".file.file_data",
            _ => "",
        }
    }

    fn title(&self) -> &'static str {
        ".file.filename"
    }

    fn below(&self, member: Member, rest: &str) -> Option<String> {
        let in_call = |call: String, kind: &str, input: &str| match rest {
            ".name" => call + kind + ".name",
            _ if rest.starts_with(".input") => format!("{call}{kind}.{input}"),
            _ => call + rest,
        };
        Some(match member {
            Member::Refusal => ".refusal".to_owned(),
            Member::Reasoning(index) => {
                let rest = if rest == ".thinking" { ".text" } else { rest };
                format!(".reasoning_details[{index}]{rest}")
            }
            Member::Call(index) => in_call(format!(".tool_calls[{index}]"), ".function", "arguments"),
            Member::CustomCall(index) => in_call(format!(".tool_calls[{index}]"), ".custom", "input"),
            Member::FunctionCall => in_call(".function_call".to_owned(), "", "arguments"),
            _ => return None,
        })
    }

    fn tool(&self, origin: ToolOrigin, rest: &str) -> Option<String> {
        let (at, kind) = match origin {
            ToolOrigin::Made => return Some("response_format".to_owned()),
            ToolOrigin::Search => return Some("web_search_options".to_owned()),
            ToolOrigin::Function(index) => (format!("tools[{index}]"), ".function"),
            ToolOrigin::Legacy(index) => (format!("functions[{index}]"), ""),
            ToolOrigin::Custom(index) if rest.starts_with(".input_schema") => {
                // The API's schema of a custom tool is none of the caller's.
                return Some(format!("tools[{index}].custom"));
            }
            ToolOrigin::Custom(index) => (format!("tools[{index}]"), ".custom"),
            _ => return None,
        };
        Some(match rest.strip_prefix(".input_schema") {
            Some(rest) => format!("{at}{kind}.parameters{rest}"),
            None if rest.is_empty() || rest.starts_with(".cache_control") => at + rest,
            None => format!("{at}{kind}{rest}"),
        })
    }

    fn tool_choice(&self, tools: &[ToolOrigin], rest: &str) -> Option<&'static str> {
        if tools.contains(&ToolOrigin::Made) {
            return Some("response_format");
        }
        if tools.iter().any(|origin| matches!(origin, ToolOrigin::Legacy(_))) {
            return Some("function_call");
        }
        rest.strip_prefix(".name").map(|_| "tool_choice.function.name")
    }

    fn setting(&self, member: &str, rest: &str) -> Option<String> {
        Some(match member {
            "stop_sequences" => "stop".to_owned(),
            "thinking" => "reasoning_effort".to_owned(),
            "output_config" => match rest.strip_prefix(".format") {
                None => "reasoning_effort".to_owned(),
                Some(rest) if rest.starts_with(".schema") => format!("response_format.json_schema{rest}"),
                Some(_) => "response_format".to_owned(),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
