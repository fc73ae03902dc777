//! A schema for the answer becomes the API's own structured output.

use messages::ApiError;
use messages::json::Path;
use serde::Serialize;
use serde_json::value::RawValue;

use super::schema;

/// `output_config.format`.
#[derive(Debug, Serialize)]
pub(crate) struct Format {
    r#type: &'static str,
    schema: Box<RawValue>,
}

impl Format {
    /// The format of this schema, which stands at `at`, in a shape that the API accepts.
    pub(crate) fn json_schema(raw: &RawValue, at: &Path<'_>) -> Result<Self, ApiError> {
        Ok(Self { r#type: "json_schema", schema: schema::acceptable(raw, at)? })
    }
}
