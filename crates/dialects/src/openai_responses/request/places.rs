//! How requests for responses name their places.

use crate::openai::origin::{Member, ToolOrigin};
use crate::openai::output::{Block, Source};
use crate::openai::places::Words;

/// The Responses API's own words.
#[derive(Debug)]
pub(super) struct Responses;

impl Words for Responses {
    fn said(&self) -> &'static str {
        "input"
    }

    fn output(&self) -> &'static str {
        "output"
    }

    fn call_id(&self) -> &'static str {
        "call_id"
    }

    fn source(&self, block: &Block<'_>) -> &'static str {
        match block {
            Block::Image { source: Source::File { .. }, .. }
            | Block::Document { source: Source::File { .. }, .. } => ".file_id",
            Block::Image { .. } => ".image_url",
            Block::Document { source: Source::Url { .. }, .. } => ".file_url",
            Block::Document { .. } => ".file_data",
            _ => "",
        }
    }

    fn title(&self) -> &'static str {
        ".filename"
    }

    fn below(&self, member: Member, rest: &str) -> Option<String> {
        match member {
            Member::Sealed if !rest.is_empty() => Some(".encrypted_content".to_owned()),
            Member::CallItem(input) => Some(match rest {
                ".id" => ".call_id".to_owned(),
                _ if rest.starts_with(".input") => format!(".{input}"),
                _ => rest.to_owned(),
            }),
            _ => None,
        }
    }

    fn tool(&self, origin: ToolOrigin, rest: &str) -> Option<String> {
        let at = match origin {
            ToolOrigin::Made => return Some("text.format".to_owned()),
            ToolOrigin::Function(index) | ToolOrigin::Custom(index) | ToolOrigin::Served(index) => {
                format!("tools[{index}]")
            }
            ToolOrigin::Nested(index, inner) | ToolOrigin::NestedCustom(index, inner) => {
                format!("tools[{index}].tools[{inner}]")
            }
            ToolOrigin::Legacy(_) | ToolOrigin::Search => return None,
        };
        let has_schema = matches!(origin, ToolOrigin::Function(_) | ToolOrigin::Nested(..));
        Some(match rest.strip_prefix(".input_schema") {
            Some(rest) if has_schema => format!("{at}.parameters{rest}"),
            // The API's schema of such a tool is none of the caller's.
            Some(_) => at,
            None => at + rest,
        })
    }

    fn tool_choice(&self, tools: &[ToolOrigin], rest: &str) -> Option<&'static str> {
        if tools.contains(&ToolOrigin::Made) {
            return Some("text.format");
        }
        rest.strip_prefix(".name").map(|_| "tool_choice.name")
    }

    fn setting(&self, member: &str, rest: &str) -> Option<String> {
        Some(match member {
            "thinking" => "reasoning".to_owned(),
            "mcp_servers" => "tools".to_owned(),
            "output_config" => match rest.strip_prefix(".format") {
                None => "reasoning.effort".to_owned(),
                Some(rest) => format!("text.format{rest}"),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
