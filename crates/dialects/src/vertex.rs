//! Vertex AI's dialect: the model is in the path and a version in the body; answers, streams and errors are those of the
//! Messages API. <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>

use bytes::Bytes;
use messages::{ApiError, names};
use wire::json::peek;

use crate::cloud::{self, Unwrapped};

const VERSION: &str = "vertex-2023-10-16";
/// The "model" that counts tokens.
pub const COUNTER: &str = "count-tokens";

/// The body of a prediction by `model`, as the path names it.
///
/// # Errors
/// A 400 that names what is wrong.
pub fn predict(body: &Bytes, model: &str, stream: bool) -> Result<Unwrapped, ApiError> {
    cloud::refuse_in_body(body, "model")?;
    let model = serde_json::Value::from(names::of_vertex(model)).to_string();
    let stream = if stream { "true" } else { "false" };
    let [said] = peek::members(body, ["stream"]).map_err(|error| cloud::malformed(&error))?;
    let added = [("model", model.as_str()), ("stream", stream)];
    match said.map(serde_json::value::RawValue::get) {
        // Said nowhere, it is false: the body is not made longer.
        None if stream == "false" => cloud::unwrapped(body, VERSION, &added[..1]),
        None | Some("true" | "false" | "null") => cloud::unwrapped(body, VERSION, &added),
        Some(_) => Err(ApiError::invalid("stream", "must be true or false")),
    }
}

/// The body of a count of tokens, which names its model.
///
/// # Errors
/// As [`predict`].
pub fn count(body: &Bytes) -> Result<Unwrapped, ApiError> {
    let [model] = peek::members(body, ["model"]).map_err(|error| cloud::malformed(&error))?;
    let model = model.ok_or_else(|| ApiError::invalid("model", "field required"))?;
    let model: String =
        serde_json::from_str(model.get()).map_err(|_| ApiError::invalid("model", "must be a string"))?;
    let model = serde_json::Value::from(names::of_vertex(&model)).to_string();
    cloud::unwrapped(body, VERSION, &[("model", &model)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_prediction_is_a_message_with_its_model() {
        let sent = body(r#"{ "anthropic_version":"vertex-2023-10-16", "n":1.50, "stream" : true }"#);
        let unwrapped = predict(&sent, "claude-opus-4-5@20251101", true).unwrap();
        assert_eq!(unwrapped.body, r#"{ "n":1.50, "stream" : true,"model":"claude-opus-4-5-20251101" }"#);
        assert_eq!(unwrapped.version, "2023-06-01");
        let sent = body(r#"{"anthropic_version":"2026-10-21","anthropic_beta":["a-1"]}"#);
        let unwrapped = predict(&sent, "claude-sonnet-5-5", false).unwrap();
        assert_eq!(unwrapped.body, r#"{"model":"claude-sonnet-5-5"}"#);
        assert_eq!((unwrapped.version.as_str(), unwrapped.betas), ("2026-10-21", vec!["a-1".to_owned()]));
    }

    #[test]
    fn a_count_names_its_model() {
        let sent = body(r#"{"model":"claude-opus-4-5@20251101","anthropic_version":"vertex-2023-10-16"}"#);
        assert_eq!(count(&sent).unwrap().body, r#"{"model":"claude-opus-4-5-20251101"}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, path) in [
            (r#"{"anthropic_version":"bedrock-2023-05-31"}"#, "anthropic_version"),
            ("{}", "anthropic_version"),
            (r#"{"anthropic_version":"vertex-2023-10-16","model":"m"}"#, "model"),
            (r#"{"anthropic_version":"vertex-2023-10-16","stream":1}"#, "stream"),
            (r#"{"anthropic_version":"vertex-2023-10-16","anthropic_beta":"a"}"#, "anthropic_beta"),
        ] {
            let error = predict(&body(text), "m", false).unwrap_err();
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)), "{text}");
        }
        assert_eq!(
            count(&body(r#"{"anthropic_version":"vertex-2023-10-16"}"#)).unwrap_err().path.as_deref(),
            Some("model")
        );
        assert_eq!(predict(&body("[]"), "m", false).unwrap_err().status, 400);
    }
}
