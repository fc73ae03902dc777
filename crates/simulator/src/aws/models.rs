//! What Bedrock calls the models: inference profiles for messages, the models themselves for counts.

use crate::models;
use crate::refusal::Refusal;
use serde_json::json;

const GEOGRAPHIES: [&str; 2] = ["us.", "global."];

/// The model behind an inference profile of this region.
pub(super) fn of_profile(id: &str, more: &[String]) -> Result<String, Refusal> {
    if let Some(model) = GEOGRAPHIES.iter().find_map(|geography| id.strip_prefix(geography)) {
        return itself(model, more);
    }
    itself(id, more)?;
    Err(Refusal::new(
        400,
        "ValidationException",
        format!(
            "Invocation of model ID {id} with on-demand throughput isn’t supported. Retry your request with the ID or \
             ARN of an inference profile that contains this model."
        ),
    ))
}

/// The model of this Bedrock id.
pub(super) fn itself(id: &str, more: &[String]) -> Result<String, Refusal> {
    let known = models::ids().find(|model| bedrock_id(model) == id).map(str::to_owned);
    let named = || more.iter().find(|name| format!("anthropic.{name}") == id).cloned();
    known
        .or_else(named)
        .ok_or_else(|| Refusal::new(400, "ValidationException", "The provided model identifier is invalid."))
}

/// As the list of Bedrock's models has it.
fn bedrock_id(model: &str) -> String {
    let dated = model.rsplit('-').next().is_some_and(|last| last.len() == 8);
    match model {
        "claude-opus-4-6" => format!("anthropic.{model}-v1"),
        _ if dated => format!("anthropic.{model}-v1:0"),
        _ => format!("anthropic.{model}"),
    }
}

/// `GET /inference-profiles`
pub(super) fn profiles() -> String {
    let profiles: Vec<_> = models::ids()
        .map(|model| {
            let id = format!("us.{}", bedrock_id(model));
            let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}");
            json!({"inferenceProfileId": id, "inferenceProfileArn": arn, "status": "ACTIVE", "type": "SYSTEM_DEFINED"})
        })
        .collect();
    json!({ "inferenceProfileSummaries": profiles }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_bedrock_has_are_served() {
        let served = |id| of_profile(id, &["mine".to_owned()]).ok();
        assert_eq!(served("us.anthropic.claude-sonnet-5-5").as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(served("us.anthropic.claude-opus-4-6-v1").as_deref(), Some("claude-opus-4-6"));
        assert_eq!(
            served("global.anthropic.claude-haiku-4-5-20251001-v1:0").as_deref(),
            Some("claude-haiku-4-5-20251001")
        );
        assert_eq!(served("us.anthropic.mine").as_deref(), Some("mine"));
        for wrong in ["us.anthropic.claude-opus-4-6", "claude-sonnet-5-5", "eu.anthropic.claude-sonnet-5-5"] {
            assert_eq!(served(wrong), None, "{wrong}");
        }
        let refusal = of_profile("anthropic.claude-sonnet-5-5", &[]).unwrap_err();
        assert!(refusal.message.contains("on-demand"), "{}", refusal.message);
    }
}
