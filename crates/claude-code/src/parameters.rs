//! The parameters of a turn: what is put over the body of the program's own request, and what its settings switch off.

use messages::Ignored;
use messages::json::Text;
use messages::request::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::settings::Credentials;

const DISABLE_THINKING: &str = "CLAUDE_CODE_DISABLE_THINKING";

/// An object of which only the `type` matters.
#[derive(Deserialize)]
pub(crate) struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
}

/// The closed list of what is put over the body of the program's own request; its other fields are the program's.
pub(crate) fn settings(
    request: &Request<'_>,
    tool_choice: Option<&RawValue>,
    credentials: Credentials,
    ignored: &mut Ignored,
) -> Vec<(&'static str, String)> {
    let mut members = vec![format!(r#""max_tokens":{}"#, request.max_tokens)];
    let mut put = |name: &str, value: Option<&RawValue>| {
        members.extend(value.map(|value| format!(r#""{name}":{}"#, value.get())));
    };
    put("temperature", request.temperature);
    put("top_p", request.top_p);
    put("top_k", request.top_k);
    put("stop_sequences", request.stop_sequences);
    put("output_config", request.output_config);
    put("thinking", request.thinking);
    put("tool_choice", tool_choice);
    if credentials.is_claude_account() {
        // There it carries the account's own identity.
        request.metadata.inspect(|_| ignored.note("metadata"));
    } else {
        put("metadata", request.metadata);
    }
    let mut settings = Vec::new();
    match wanted_thinking(request) {
        // A setting stays until it is set again, and a process may have answered before.
        Thinking::Asked => settings.push((DISABLE_THINKING, "0".to_string())),
        Thinking::Off => settings.push((DISABLE_THINKING, "1".to_string())),
        Thinking::OffByBody => {
            settings.push((DISABLE_THINKING, "0".to_string()));
            members.push(r#""thinking":{"type":"disabled"}"#.to_string());
        }
    }
    settings.push(("CLAUDE_CODE_EXTRA_BODY", format!("{{{}}}", members.join(","))));
    settings
}

enum Thinking {
    Asked,
    Off,
    OffByBody,
}

/// The API's default is no thinking, the program's is not. Switched off by its own setting, it sends none; but to older
/// models it then sends `temperature: 1`, which they refuse beside a `top_p`.
fn wanted_thinking(request: &Request<'_>) -> Thinking {
    let kind = request.thinking.and_then(|raw| serde_json::from_str::<Kind<'_>>(raw.get()).ok());
    let asked = kind.is_some_and(|kind| kind.kind.0 != "disabled");
    match (asked, request.thinking) {
        (true, _) => Thinking::Asked,
        (false, None) if request.top_p.is_some() && request.temperature.is_none() => Thinking::OffByBody,
        (false, _) => Thinking::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::Turn;
    use messages::ApiError;
    use serde_json::{Value, json};

    fn read(change: &Value, credentials: Credentials) -> Result<Turn, ApiError> {
        let mut request =
            json!({"model": "claude-x", "max_tokens": 5, "messages": [{"role": "user", "content": "q"}]});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Turn::read(request.to_string().as_bytes(), "", credentials)
    }

    fn extra_body(change: &Value, credentials: Credentials) -> Value {
        let turn = read(change, credentials).unwrap();
        let found = turn.settings.iter().find(|(name, _)| *name == "CLAUDE_CODE_EXTRA_BODY").unwrap();
        serde_json::from_str(&found.1).unwrap()
    }

    #[test]
    fn only_the_closed_list_is_put_over_the_programs_request() {
        let all = json!({
            "temperature": 0.5, "top_p": 0.5, "top_k": 3, "stop_sequences": ["x"], "output_config": {"effort": "low"},
            "thinking": {"type": "adaptive"}, "metadata": {"user_id": "u"},
            "system": "s", "stream": true, "context_management": {}, "betas": ["b"], "service_tier": "auto",
        });
        let body = extra_body(&all, Credentials::ApiKey);
        let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        let closed = [
            "max_tokens",
            "metadata",
            "output_config",
            "stop_sequences",
            "temperature",
            "thinking",
            "top_k",
            "top_p",
        ];
        assert_eq!(names, closed);
        let ignored = read(&all, Credentials::ApiKey).unwrap().ignored;
        assert_eq!(ignored, ["betas", "context_management", "service_tier"]);
    }

    #[test]
    fn metadata_never_goes_over_a_claude_account() {
        for credentials in [Credentials::Login, Credentials::OauthToken] {
            let asked = json!({"metadata": {"user_id": "u"}});
            assert!(extra_body(&asked, credentials).get("metadata").is_none());
            assert_eq!(read(&asked, credentials).unwrap().ignored, ["metadata"]);
        }
    }

    #[test]
    fn no_thinking_asked_is_no_thinking() {
        let off = |change: Value| {
            let turn = read(&change, Credentials::ApiKey).unwrap();
            let disabled =
                turn.settings.iter().any(|(name, value)| *name == DISABLE_THINKING && value == "1");
            disabled || extra_body(&change, Credentials::ApiKey)["thinking"]["type"] == "disabled"
        };
        assert!(
            off(json!({})) && off(json!({"thinking": {"type": "disabled"}})) && off(json!({"top_p": 0.5}))
        );
        assert!(!off(json!({"thinking": {"type": "adaptive"}})));
    }
}
