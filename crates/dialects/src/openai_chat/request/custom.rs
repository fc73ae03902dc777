//! Custom tools: free text instead of arguments. The API has none, so such a tool takes one string, `input`.

use std::borrow::Cow;

use messages::json::{Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::tools;
use crate::openai::output::Tool;
use crate::openai::tools::owned;

const SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// Reads the `custom` member of a tool. A grammar is told to the model, but not enforced.
pub(super) fn tool<'a>(
    mut custom: Members<'a>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Tool<'a>, ApiError> {
    let name = tools::name(&mut custom, at)?;
    let told: Option<Text<'a>> = custom.optional("description", at)?;
    let mut description = told.map(|text| text.0).filter(|text| !text.is_empty());
    if let Some(format) = custom.optional::<Members<'a>>("format", at)?
        && let Some(grammar) = grammar(format, &at.key("format"), ignored)?
    {
        let before = description.map_or_else(String::new, |text| format!("{text}\n\n"));
        description = Some(Cow::Owned(before + &grammar));
        ignored.note("tools.custom.format");
    }
    ignored.rest_below(custom, "tools.custom");
    Ok(Tool { description, ..Tool::new(name, owned(SCHEMA.to_owned(), at)?) })
}

/// What the model is told of the format; nothing of free text.
fn grammar(
    mut format: Members<'_>,
    at: &Path<'_>,
    ignored: &mut Ignored,
) -> Result<Option<String>, ApiError> {
    let Text(kind) = format.required("type", at)?;
    let told = match &*kind {
        "text" => None,
        "grammar" => {
            let mut grammar: Members<'_> = format.required("grammar", at)?;
            let at = at.key("grammar");
            let Text(syntax) = grammar.required("syntax", &at)?;
            if !matches!(&*syntax, "lark" | "regex") {
                return Err(at.key("syntax").invalid("must be lark or regex"));
            }
            let Text(definition) = grammar.required("definition", &at)?;
            ignored.rest_below(grammar, "tools.custom.format.grammar");
            Some(format!("The input must match this grammar ({syntax}):\n{definition}"))
        }
        _ => return Err(at.key("type").invalid("must be text or grammar")),
    };
    ignored.rest_below(format, "tools.custom.format");
    Ok(told)
}

/// The input of a custom tool's call as the API's tool takes it.
pub(super) fn input(text: &str, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    let json = format!(r#"{{"input":{}}}"#, serde_json::Value::from(text));
    RawValue::from_string(json).map_err(|_| at.invalid("must be text"))
}
