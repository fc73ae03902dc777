//! A Messages request as Bedrock takes it: the model and the wish for a stream are in the path, versions in the body.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::json::{edit::Edit, peek};

use crate::BackendError;

/// The only version of `InvokeModel`'s Messages body that every Claude model on Bedrock takes.
const VERSION: &str = r#""bedrock-2023-05-31""#;

/// The body of `InvokeModel`. What is not about model, stream and version stays byte for byte.
pub(super) fn invoke(body: &Bytes, betas: &[&str]) -> Result<Bytes, BackendError> {
    let edit = Edit::new(body).remove("model").remove("stream").set("anthropic_version", VERSION);
    let edit = match betas.is_empty() {
        true => edit,
        false => edit.set("anthropic_beta", &serde_json::Value::from(betas).to_string()),
    };
    Ok(edit.finish()?)
}

/// The body of `CountTokens`: that of `InvokeModel` in base64. It must be a whole request, so it asks for an answer as
/// long as its thinking needs; nothing is answered.
pub(super) fn count(body: &Bytes, betas: &[&str]) -> Result<Bytes, BackendError> {
    let body = invoke(body, betas)?;
    let [most, thinking] = peek::members(&body, ["max_tokens", "thinking"])?;
    let body = match most {
        Some(_) => body,
        None => {
            let enough = 1 + thinking.map_or(0, budget);
            Edit::new(&body).set("max_tokens", &enough.to_string()).finish()?
        }
    };
    let coded = STANDARD.encode(&body);
    Ok(format!(r#"{{"input":{{"invokeModel":{{"body":"{coded}"}}}}}}"#).into())
}

fn budget(thinking: &RawValue) -> u64 {
    #[derive(Deserialize)]
    struct Thinking {
        #[serde(default)]
        budget_tokens: u64,
    }
    serde_json::from_str::<Thinking>(thinking.get()).map_or(0, |thinking| thinking.budget_tokens)
}

/// The count in an answer of `CountTokens`.
pub(super) fn counted(answer: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        input_tokens: u64,
    }
    serde_json::from_slice::<Counted>(answer).ok().map(|counted| counted.input_tokens)
}

/// The event in a `chunk` of a streamed answer.
pub(super) fn chunk(payload: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let chunk: Chunk<'_> = serde_json::from_slice(payload).ok()?;
    STANDARD.decode(chunk.bytes.as_bytes()).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_model_stream_and_versions_stays_as_it_was() {
        let body =
            Bytes::from_static(br#"{ "model":"m", "n": 12345678901234567890.10, "stream" : true,"b":[ ] }"#);
        assert_eq!(
            invoke(&body, &[]).unwrap(),
            r#"{ "n": 12345678901234567890.10,"b":[ ],"anthropic_version":"bedrock-2023-05-31" }"#
        );
        assert_eq!(
            invoke(&Bytes::from_static(br#"{"model":"m"}"#), &["a-1", "b-2"]).unwrap(),
            r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a-1","b-2"]}"#
        );
    }

    #[test]
    fn what_is_counted_is_a_whole_request() {
        let inner = |body: &'static str| {
            let counting: serde_json::Value =
                serde_json::from_slice(&count(&Bytes::from_static(body.as_bytes()), &[]).unwrap()).unwrap();
            let coded = counting["input"]["invokeModel"]["body"].as_str().unwrap().to_owned();
            String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap()
        };
        let version = r#""anthropic_version":"bedrock-2023-05-31""#;
        assert_eq!(inner(r#"{"model":"m","x":1}"#), format!(r#"{{"x":1,{version},"max_tokens":1}}"#));
        assert_eq!(inner(r#"{"max_tokens":9}"#), format!(r#"{{"max_tokens":9,{version}}}"#));
        assert!(
            inner(r#"{"thinking":{"type":"enabled","budget_tokens":1024}}"#)
                .ends_with(r#""max_tokens":1025}"#)
        );
        assert_eq!(counted(br#"{"inputTokens":7}"#), Some(7));
    }

    #[test]
    fn a_body_that_is_no_object_is_the_callers_fault() {
        assert_eq!(invoke(&Bytes::from_static(b"[]"), &[]).unwrap_err().error.status, 400);
    }
}
