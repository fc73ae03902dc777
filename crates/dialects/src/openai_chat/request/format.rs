//! `response_format`: a schema becomes the API's own structured output.

use messages::json::{Members, Text};
use messages::{ApiError, Ignored};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{ROOT, schema, unsupported};
use crate::models::Rules;

#[derive(Debug, Serialize)]
pub(super) struct Format {
    r#type: &'static str,
    schema: Box<RawValue>,
}

/// Reads `response_format`; `None` for plain text.
pub(super) fn read(
    fields: &mut Members<'_>,
    rules: Rules,
    ignored: &mut Ignored,
) -> Result<Option<Format>, ApiError> {
    let at = ROOT.key("response_format");
    let Some(mut format) = fields.optional::<Members<'_>>("response_format", &ROOT)? else { return Ok(None) };
    let Text(kind) = format.required("type", &at)?;
    match &*kind {
        "text" => return Ok(None),
        "json_schema" if rules.structured_outputs => {}
        "json_schema" => return Err(unsupported(&at.key("type"), "this model has no structured outputs")),
        "json_object" => return Err(unsupported(&at.key("type"), "use json_schema")),
        _ => return Err(at.key("type").invalid("must be text or json_schema")),
    }
    let mut given: Members<'_> = format.required("json_schema", &at)?;
    let at = at.key("json_schema");
    let raw: &RawValue = given.required("schema", &at)?;
    let schema = schema::acceptable(raw, &at.key("schema"))?;
    // `name` is for the caller's own use; `strict` is always so here.
    for key in ["name", "strict"] {
        given.take(key);
    }
    ignored.rest_below(given, "response_format.json_schema");
    Ok(Some(Format { r#type: "json_schema", schema }))
}
