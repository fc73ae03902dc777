//! The caller's tools, as the program is told of them: an MCP server that lives in this process. The program calls a
//! tool when the model does; the call stays unanswered until the caller's next request brings its result.
//!
//! The server's name and everything else that stands on the command line is the same for every request.

mod choice;
mod list;
mod names;
mod results;
mod server;

pub(crate) use choice::choice;
pub(crate) use list::Tools;
pub(crate) use names::in_content;
pub(crate) use results::{ToolResult, results};
pub(crate) use server::{Answer, Call, answer};

/// The MCP server's name; the program puts `mcp__client__` before its tools' names.
pub(crate) const SERVER: &str = "client";
