//! Tools that the API serves itself: web search, and the tools of MCP servers.
//! <https://platform.claude.com/docs/en/agents-and-tools/mcp-connector>

use std::borrow::Cow;

use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::made;
use crate::openai::origin::ToolOrigin;
use crate::openai::output::{AnyTool, McpServer};
use crate::openai::unsupported;
use crate::openai::web_search::{Location, WebSearch};
use crate::openai_responses::stored;

/// What `anthropic-beta` must name for `mcp_servers`.
pub(super) const MCP_BETA: &str = "mcp-client-2025-11-20";

/// A `web_search` tool.
pub(super) fn web_search<'a>(
    tool: &mut Members<'a>,
    at: &Path<'_>,
    max_uses: Option<u64>,
    ignored: &mut Ignored,
) -> Result<AnyTool<'a>, ApiError> {
    let mut allowed_domains = None;
    if let Some(mut filters) = tool.optional::<Members<'a>>("filters", at)? {
        let list: Option<Vec<Text<'a>>> = filters.optional("allowed_domains", &at.key("filters"))?;
        allowed_domains = list.map(|list| list.into_iter().map(|text| text.0).collect::<Vec<_>>());
        ignored.rest_below(filters, "tools.filters");
    }
    let place: Option<Members<'a>> = tool.optional("user_location", at)?;
    let at_place = at.key("user_location");
    let user_location = place.map(|mut place| Location::read(&mut place, &at_place)).transpose()?;
    // There is no search but the live one.
    if tool.optional::<bool>("external_web_access", at)? == Some(false) {
        ignored.note("tools.external_web_access");
    }
    let allowed_domains = allowed_domains.unwrap_or_default();
    Ok(WebSearch { max_uses, allowed_domains, user_location, ..WebSearch::default() }
        .tool(ToolOrigin::served(at)))
}

/// An MCP server and which of its tools may be used.
pub(super) struct McpTools<'a> {
    pub(super) server: McpServer<'a>,
    pub(super) tools: AnyTool<'a>,
}

/// An `mcp` tool. There is nobody here to ask for approval, so only servers whose tools need none are taken.
pub(super) fn mcp<'a>(
    tool: &mut Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<McpTools<'a>, ApiError> {
    let Text(name) = tool.required("server_label", at)?;
    if name.is_empty() {
        return Err(at.key("server_label").invalid("must not be empty"));
    }
    for key in ["connector_id", "tunnel_id"] {
        if tool.take(key).is_some() {
            return Err(unsupported(&at.key(key), "not supported; use server_url"));
        }
    }
    let Text(url) = tool.required("server_url", at)?;
    if !url.starts_with("https://") {
        return Err(at.key("server_url").invalid("must be an https address"));
    }
    approval(tool.take("require_approval"), &at.key("require_approval"))?;
    let authorization_token = token(tool, at)?;
    let server = McpServer { r#type: "url", url, name: name.clone(), authorization_token };
    let allowed = tool.take("allowed_tools").map(|raw| allowed(raw, &at.key("allowed_tools"), ignored));
    let set = toolset(&name, allowed.transpose()?.flatten().as_deref());
    Ok(McpTools { server, tools: AnyTool::Served { origin: ToolOrigin::served(at), name: None, tool: set } })
}

fn approval(raw: Option<&RawValue>, at: &Path<'_>) -> Result<(), ApiError> {
    if raw.is_some_and(|raw| raw.get() == r#""never""#) {
        return Ok(());
    }
    Err(unsupported(at, "must be never: calls can't be approved one by one"))
}

/// `authorization`, or the same as a header; the API sends no other headers.
fn token<'a>(tool: &mut Members<'a>, at: &Path<'_>) -> Result<Option<Cow<'a, str>>, ApiError> {
    let given: Option<Text<'a>> = tool.optional("authorization", at)?;
    let mut token = given.map(|text| text.0);
    let headers: Option<Members<'a>> = tool.optional("headers", at)?;
    let at = at.key("headers");
    for (name, value) in headers.map(|headers| headers.0).unwrap_or_default() {
        let at = at.key(&name);
        let Text(value) = json::read(value.get(), &at)?;
        let bearer = value.strip_prefix("Bearer ").filter(|_| name.eq_ignore_ascii_case("authorization"));
        let bearer =
            bearer.ok_or_else(|| unsupported(&at, "only a bearer token in Authorization can be sent"))?;
        token = Some(Cow::Owned(bearer.to_owned()));
    }
    Ok(token)
}

/// Names of tools, or an object with them; `None` for all.
fn allowed<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Option<Vec<Cow<'a, str>>>, ApiError> {
    let names = |list: Vec<Text<'a>>| list.into_iter().map(|name| name.0).collect();
    if raw.get().starts_with('[') {
        return json::read(raw.get(), at).map(|list| Some(names(list)));
    }
    let mut filter: Members<'a> = json::read(raw.get(), at)?;
    let list: Option<Vec<Text<'a>>> = filter.optional("tool_names", at)?;
    ignored.rest_below(filter, "tools.allowed_tools");
    Ok(list.map(names))
}

fn toolset(server: &str, allowed: Option<&[Cow<'_, str>]>) -> Box<RawValue> {
    let server = stored::raw(server);
    let only = allowed.map_or_else(String::new, |names| {
        let each = names.iter().map(|name| format!(r#"{}:{{"enabled":true}}"#, stored::raw(&**name)));
        let each: Vec<_> = each.collect();
        format!(r#","default_config":{{"enabled":false}},"configs":{{{}}}"#, each.join(","))
    });
    made(format!(r#"{{"type":"mcp_toolset","mcp_server_name":{server}{only}}}"#))
}
