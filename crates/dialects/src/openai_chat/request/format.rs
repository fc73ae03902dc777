//! `response_format`: a schema becomes the API's own structured output. Where the model has none, and for JSON without
//! a schema, the model has to call a tool whose input is the answer.

use messages::json::{Members, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::tools::Tools;
use crate::models::Rules;
use crate::openai::format::Format;
use crate::openai::{ROOT, answer_tool};

/// What the answer has to be.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The API's own structured output.
    pub(super) format: Option<Format>,
    /// The tool whose input is the answer.
    pub(super) tool: Option<String>,
}

/// Reads `response_format`; an answer by tool is added to the tools.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    tools: &mut Tools<'a>,
    ignored: &mut Ignored,
) -> Result<Answer, ApiError> {
    let at = ROOT.key("response_format");
    let Some(mut format) = fields.optional::<Members<'a>>("response_format", &ROOT)? else {
        return Ok(Answer::default());
    };
    let Text(kind) = format.required("type", &at)?;
    match &*kind {
        "text" => Ok(Answer::default()),
        "json_object" => {
            let tool = answer_tool::of_object(&mut tools.list, &mut tools.choice, &at)?;
            Ok(Answer { format: None, tool })
        }
        "json_schema" => by_schema(format.required("json_schema", &at)?, rules, tools, ignored),
        _ => Err(at.key("type").invalid("must be text, json_object or json_schema")),
    }
}

fn by_schema<'a>(
    mut given: Members<'a>,
    rules: Rules,
    tools: &mut Tools<'a>,
    ignored: &mut Ignored,
) -> Result<Answer, ApiError> {
    let at = ROOT.key("response_format");
    let at = at.key("json_schema");
    let raw: &'a RawValue = given.required("schema", &at)?;
    let format = Format::json_schema(raw, &at.key("schema"))?;
    // `name` is for the caller's own use; `strict` is always so here.
    for key in ["name", "strict"] {
        given.take(key);
    }
    ignored.rest_below(given, "response_format.json_schema");
    if rules.structured_outputs {
        return Ok(Answer { format: Some(format), tool: None });
    }
    let tool = answer_tool::of_schema(&mut tools.list, &mut tools.choice, raw, &at.key("schema"))?;
    Ok(Answer { format: None, tool })
}
