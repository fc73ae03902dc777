//! What a region's Bedrock is asked for.

use std::collections::BTreeMap;

use messages::names;

/// The inference profile or Bedrock id for a model: by the operator's table, else by the rule. What has a `.`, `:` or `/`
/// is such an id already.
pub(super) fn bedrock_id(model: &str, table: &BTreeMap<String, String>, region: &str) -> String {
    match table.get(model) {
        Some(named) => named.clone(),
        None if model.contains(['.', ':', '/']) => model.to_owned(),
        None => format!("{}.{}", geography(region), names::on_bedrock(model)),
    }
}

/// The inference profiles that a region may use. Elsewhere than in these it is the one that serves from everywhere.
fn geography(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("us-gov-") => "us-gov",
        _ if region.starts_with("us-") => "us",
        _ if region.starts_with("eu-") => "eu",
        _ => "global",
    }
}

/// The model behind an inference profile: token counts are to be had of models alone.
pub(super) fn without_profile(id: &str) -> &str {
    match id.find("anthropic.") {
        Some(at) if !id.starts_with("arn:") => &id[at..],
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_that_of_the_region() {
        let id = |model, region| bedrock_id(model, &BTreeMap::new(), region);
        for (model, region, expected) in [
            ("claude-sonnet-5-5", "us-east-1", "us.anthropic.claude-sonnet-5-5"),
            ("claude-opus-4-7", "eu-west-1", "eu.anthropic.claude-opus-4-7"),
            ("claude-opus-4-6", "us-gov-west-1", "us-gov.anthropic.claude-opus-4-6-v1"),
            ("claude-haiku-4-5", "ap-northeast-1", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ] {
            assert_eq!(id(model, region), expected);
        }
    }

    #[test]
    fn what_is_named_and_what_is_an_id_stays() {
        let profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x".to_owned();
        let table = BTreeMap::from([("claude-sonnet-5".to_owned(), profile.clone())]);
        assert_eq!(bedrock_id("claude-sonnet-5", &table, "us-east-1"), profile);
        assert_eq!(bedrock_id("eu.anthropic.claude-x", &table, "us-east-1"), "eu.anthropic.claude-x");
        assert_eq!(bedrock_id(&profile, &table, "us-east-1"), profile);
    }

    #[test]
    fn tokens_are_counted_by_the_model_itself() {
        assert_eq!(without_profile("us.anthropic.claude-sonnet-5"), "anthropic.claude-sonnet-5");
        assert_eq!(without_profile("arn:aws:x/us.anthropic.claude"), "arn:aws:x/us.anthropic.claude");
    }
}
