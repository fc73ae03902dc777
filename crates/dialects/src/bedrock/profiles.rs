//! `GET /inference-profiles`: Claude Code looks there for the names of its models.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html>

use bytes::Bytes;
use messages::names;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profiles {
    inference_profile_summaries: Vec<Profile>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    inference_profile_id: String,
    inference_profile_arn: String,
    inference_profile_name: String,
    models: Vec<Arn>,
    status: &'static str,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Arn {
    model_arn: String,
}

/// One profile for each Claude model of `GET /v1/models` in Anthropic's shape. Region and account are nobody's.
#[must_use]
pub fn inference_profiles(models: &[u8]) -> Bytes {
    let models = serde_json::from_slice(models).map_or_else(|_| Vec::new(), |Models { data }| data);
    let claude = models.into_iter().filter(|model| model.id.starts_with("claude-"));
    let profiles = Profiles { inference_profile_summaries: claude.map(profile).collect() };
    serde_json::to_vec(&profiles).unwrap_or_default().into()
}

fn profile(Model { id, display_name }: Model) -> Profile {
    let model = names::on_bedrock(&id);
    let profile = format!("us.{model}");
    Profile {
        inference_profile_arn: format!("arn:aws:bedrock:us-east-1:000000000000:inference-profile/{profile}"),
        inference_profile_id: profile,
        inference_profile_name: format!("US {display_name}"),
        models: vec![Arn { model_arn: format!("arn:aws:bedrock:us-east-1::foundation-model/{model}") }],
        status: "ACTIVE",
        r#type: "SYSTEM_DEFINED",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_claude_model_has_a_profile() {
        let models =
            br#"{"data":[{"id":"claude-sonnet-5-5","display_name":"Claude Sonnet 5.5"},{"id":"my-alias"}]}"#;
        let listed: serde_json::Value = serde_json::from_slice(&super::inference_profiles(models)).unwrap();
        let all = listed["inferenceProfileSummaries"].as_array().unwrap();
        assert_eq!((all.len(), &all[0]["inferenceProfileId"]), (1, &"us.anthropic.claude-sonnet-5-5".into()));
    }
}
