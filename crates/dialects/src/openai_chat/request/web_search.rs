//! `web_search_options`: the API's own web search as a tool. What it finds is cited in the answer's annotations.
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>

use messages::json::{Members, Path, Text};
use messages::{ApiError, Ignored};

use super::tools::Tools;
use crate::openai::origin::ToolOrigin;
use crate::openai::web_search::{Location, NAME, WebSearch};
use crate::openai::{Defaults, ROOT, unsupported};

/// Adds the search to the tools when it is asked for.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    defaults: &Defaults<'_>,
    tools: &mut Tools<'a>,
    ignored: &mut Ignored,
) -> Result<(), ApiError> {
    let Some(mut options) = fields.optional::<Members<'a>>("web_search_options", &ROOT)? else {
        return Ok(());
    };
    let at = ROOT.key("web_search_options");
    if !defaults.web_search {
        return Err(unsupported(
            &at,
            "the claude-code backend has no web search; the anthropic backend does",
        ));
    }
    if tools.list.iter().any(|tool| tool.name() == Some(NAME)) {
        return Err(at.invalid("a tool of the request is called web_search already"));
    }
    let size: Option<Text<'_>> = options.optional("search_context_size", &at)?;
    match size.as_ref().map(|size| &*size.0) {
        None | Some("medium") => {}
        Some("low" | "high") => ignored.note("web_search_options.search_context_size"),
        Some(_) => return Err(at.key("search_context_size").invalid("must be low, medium or high")),
    }
    let user_location = options
        .optional("user_location", &at)?
        .map(|given| location(given, &at.key("user_location"), ignored))
        .transpose()?;
    ignored.rest_below(options, "web_search_options");
    tools.list.push(WebSearch { user_location, ..WebSearch::default() }.tool(ToolOrigin::Search));
    Ok(())
}

fn location<'a>(
    mut given: Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Location<'a>, ApiError> {
    let Text(kind) = given.required("type", at)?;
    if kind != "approximate" {
        return Err(at.key("type").invalid("must be approximate"));
    }
    let mut place: Members<'a> = given.required("approximate", at)?;
    ignored.rest_below(given, "web_search_options.user_location");
    let at = at.key("approximate");
    let location = Location::read(&mut place, &at)?;
    ignored.rest_below(place, "web_search_options.user_location.approximate");
    Ok(location)
}
