//! JSON as the answer where the API has no structured output for it: the model has to call a tool whose input is the
//! answer, and the dialect gives that input as the answer's text.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::Path;
use serde_json::value::RawValue;

use super::output::{AnyTool, Tool, ToolChoice};
use super::tools;

const OPEN_SCHEMA: &str = r#"{"type":"object","additionalProperties":true}"#;
const ANSWER_BY_SCHEMA: &str =
    "Gives your answer to the user: the input is the answer itself. Always answer with this tool.";
const ANSWER_AS_OBJECT: &str = "Gives your answer to the user: the input is the JSON object that the user asked for, with the \
    members that the conversation names. Always answer with this tool.";

/// Adds a tool for an answer of this schema, which stands at `at`. Its name, unless a tool of the caller's own has to
/// be called.
pub(crate) fn of_schema<'a>(
    list: &mut Vec<AnyTool<'a>>,
    choice: &mut Option<ToolChoice<'a>>,
    raw: &'a RawValue,
    at: &Path<'_>,
) -> Result<Option<String>, ApiError> {
    // Also checks that it is an object's: a tool takes no other.
    let schema = tools::schema(Some(raw), at)?;
    Ok(add(list, choice, schema, ANSWER_BY_SCHEMA))
}

/// The same for any object.
pub(crate) fn of_object<'a>(
    list: &mut Vec<AnyTool<'a>>,
    choice: &mut Option<ToolChoice<'a>>,
    at: &Path<'_>,
) -> Result<Option<String>, ApiError> {
    let schema = tools::owned(OPEN_SCHEMA.to_owned(), at)?;
    Ok(add(list, choice, schema, ANSWER_AS_OBJECT))
}

/// Adds the tool that takes the answer and has the model call it, or one of the caller's own.
fn add<'a>(
    list: &mut Vec<AnyTool<'a>>,
    choice: &mut Option<ToolChoice<'a>>,
    input: Cow<'a, RawValue>,
    description: &'static str,
) -> Option<String> {
    match choice.as_ref().map(|choice| choice.r#type) {
        // The answer is a call of that tool whatever its format.
        Some("tool") => return None,
        Some("none") => list.clear(),
        _ => {}
    }
    let name = free_name(list);
    let only_one = list.is_empty();
    let tool = Tool::new(Cow::Owned(name.clone()), input);
    list.push(AnyTool::Own(Tool { description: Some(Cow::Borrowed(description)), ..tool }));
    *choice = Some(if only_one {
        let named = ToolChoice { name: Some(Cow::Owned(name.clone())), ..ToolChoice::named("tool") };
        ToolChoice { disable_parallel_tool_use: true, ..named }
    } else {
        let disable_parallel_tool_use =
            choice.as_ref().is_some_and(|choice| choice.disable_parallel_tool_use);
        ToolChoice { disable_parallel_tool_use, ..ToolChoice::named("any") }
    });
    Some(name)
}

fn free_name(list: &[AnyTool<'_>]) -> String {
    let mut name = "json_answer".to_owned();
    while list.iter().any(|tool| tool.name() == Some(name.as_str())) {
        name.push('_');
    }
    name
}
