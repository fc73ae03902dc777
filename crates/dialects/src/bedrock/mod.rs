//! Bedrock's dialect (`InvokeModel`): model and stream are in the path, version and features in the body; a stream is AWS
//! event-stream frames, an error one of AWS's exceptions.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>

mod error;
mod profiles;
mod stream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use messages::{ApiError, names};
use serde::Deserialize;

use crate::cloud::{self, Unwrapped};

pub use error::{error_body, error_of_messages, exception};
pub use profiles::inference_profiles;
pub use stream::{write_error, write_event};

const VERSION: &str = "bedrock-2023-05-31";

/// The body of `InvokeModel` or its streamed form, for `model` as the path names it.
///
/// # Errors
/// A 400 that names what is wrong.
pub fn invoke(body: &Bytes, model: &str, stream: bool) -> Result<Unwrapped, ApiError> {
    cloud::refuse_in_body(body, "model")?;
    cloud::refuse_in_body(body, "stream")?;
    let model = serde_json::Value::from(names::of_bedrock(model)).to_string();
    let added = [("model", model.as_str()), ("stream", "true")];
    cloud::unwrapped(body, VERSION, if stream { &added } else { &added[..1] })
}

#[derive(Deserialize)]
struct Counting {
    input: Input,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    invoke_model: Model,
}

#[derive(Deserialize)]
struct Model {
    body: String,
}

/// The body of `CountTokens`, in which a whole request stands in base64. Of that, only what counts goes on.
///
/// # Errors
/// As [`invoke`].
pub fn count(body: &Bytes, model: &str) -> Result<Unwrapped, ApiError> {
    let wrong = || ApiError::invalid("input.invokeModel.body", "must be a request body in base64");
    let counting: Counting = serde_json::from_slice(body).map_err(|_| wrong())?;
    let inner = Bytes::from(STANDARD.decode(counting.input.invoke_model.body).map_err(|_| wrong())?);
    let unwrapped = invoke(&inner, model, false)?;
    let edit = wire::json::edit::Edit::new(&unwrapped.body).remove("max_tokens");
    let body = edit.finish().map_err(|error| cloud::malformed(&error))?;
    Ok(Unwrapped { body, ..unwrapped })
}

/// The answer of `CountTokens`, of one of the Messages API's; what is no such answer stays.
#[must_use]
pub fn counted(answer: &Bytes) -> Bytes {
    #[derive(Deserialize)]
    struct Counted {
        input_tokens: u64,
    }
    match serde_json::from_slice(answer) {
        Ok(Counted { input_tokens }) => format!("{{\"inputTokens\":{input_tokens}}}").into(),
        Err(_) => answer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn an_invocation_is_a_message_with_its_model() {
        let sent =
            body(r#"{ "anthropic_version":"bedrock-2023-05-31", "n":1.50, "anthropic_beta":["a-1","b-2"] }"#);
        let unwrapped = invoke(&sent, "us.anthropic.claude-haiku-4-5-20251001-v1:0", true).unwrap();
        assert_eq!(unwrapped.body, r#"{ "n":1.50,"model":"claude-haiku-4-5-20251001","stream":true }"#);
        assert_eq!(
            (unwrapped.version.as_str(), unwrapped.betas.join(",")),
            ("2023-06-01", "a-1,b-2".to_owned())
        );
        assert_eq!(invoke(&sent, "gpt-4o", false).unwrap().body, r#"{ "n":1.50,"model":"gpt-4o" }"#);
    }

    #[test]
    fn a_count_is_of_the_request_within() {
        let inner =
            STANDARD.encode(r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[]}"#);
        let sent = Bytes::from(format!(r#"{{"input":{{"invokeModel":{{"body":"{inner}"}}}}}}"#));
        let counted_of = count(&sent, "anthropic.claude-sonnet-5").unwrap().body;
        assert_eq!(counted_of, r#"{"messages":[],"model":"claude-sonnet-5"}"#);
        assert_eq!(counted(&body(r#"{"input_tokens":12}"#)), r#"{"inputTokens":12}"#);
        assert_eq!(counted(&body("{}")), "{}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, path) in [
            (r#"{"anthropic_version":"vertex-2023-10-16"}"#, "anthropic_version"),
            ("{}", "anthropic_version"),
            (r#"{"anthropic_version":"bedrock-2023-05-31","model":"m"}"#, "model"),
            (r#"{"anthropic_version":"bedrock-2023-05-31","stream":true}"#, "stream"),
            (r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":[1]}"#, "anthropic_beta"),
            (r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a\nb"]}"#, "anthropic_beta"),
        ] {
            let error = invoke(&body(text), "m", false).unwrap_err();
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)), "{text}");
        }
        let error = count(&body(r#"{"input":{"converse":{}}}"#), "m").unwrap_err();
        assert_eq!(error.path.as_deref(), Some("input.invokeModel.body"));
    }
}
