//! What the clouds call the models: `claude-opus-4-5-20251101` is `anthropic.claude-opus-4-5-20251101-v1:0` on Bedrock and
//! `claude-opus-4-5@20251101` on Vertex AI. Models since 4.6 have no date and the same name everywhere, but for a prefix.

use std::borrow::Cow;

/// Names without a date for models that Bedrock knows by one.
const DATED: [(&str, &str); 4] = [
    ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("claude-opus-4-1", "claude-opus-4-1-20250805"),
    ("claude-opus-4-5", "claude-opus-4-5-20251101"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
];

/// The model's id on Bedrock, without an inference profile's geography.
#[must_use]
pub fn on_bedrock(model: &str) -> String {
    let model = DATED.iter().find(|(name, _)| *name == model).map_or(model, |(_, dated)| dated);
    let version = match model {
        "claude-opus-4-6" => "-v1",
        _ if date(model, '-').is_some() => "-v1:0",
        _ => "",
    };
    format!("anthropic.{model}{version}")
}

/// The model behind a Bedrock id, an inference profile or the ARN of one. What is none of them stays as it is.
#[must_use]
pub fn of_bedrock(id: &str) -> &str {
    let Some((_, name)) = id.split_once("anthropic.") else { return id };
    let Some((model, version)) = name.rsplit_once("-v") else { return name };
    let is_version = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if is_version { model } else { name }
}

/// The model's id on Vertex AI.
#[must_use]
pub fn on_vertex(model: &str) -> Cow<'_, str> {
    match date(model, '-') {
        Some((name, date)) => format!("{name}@{date}").into(),
        None => model.into(),
    }
}

/// The model behind an id of Vertex AI. `@default` stands for the only version there is.
#[must_use]
pub fn of_vertex(id: &str) -> Cow<'_, str> {
    match (date(id, '@'), id.split_once('@')) {
        (Some((name, date)), _) => format!("{name}-{date}").into(),
        (None, Some((name, "default" | "latest"))) => name.into(),
        _ => id.into(),
    }
}

/// A name and the date set off from it.
fn date(model: &str, by: char) -> Option<(&str, &str)> {
    let (name, date) = model.rsplit_once(by)?;
    (date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())).then_some((name, date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_the_same_on_its_way_there_and_back() {
        for (model, bedrock, vertex) in [
            ("claude-sonnet-5-5", "anthropic.claude-sonnet-5-5", "claude-sonnet-5-5"),
            ("claude-opus-4-6", "anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
            (
                "claude-opus-4-5-20251101",
                "anthropic.claude-opus-4-5-20251101-v1:0",
                "claude-opus-4-5@20251101",
            ),
        ] {
            assert_eq!((on_bedrock(model).as_str(), on_vertex(model).as_ref()), (bedrock, vertex));
            assert_eq!((of_bedrock(bedrock), of_vertex(vertex).as_ref()), (model, model));
            assert_eq!(of_bedrock(&format!("us-gov.{bedrock}")), model);
        }
        assert_eq!(on_bedrock("claude-haiku-4-5"), "anthropic.claude-haiku-4-5-20251001-v1:0");
        assert_eq!(of_vertex("claude-haiku-4-5@default"), "claude-haiku-4-5");
        assert_eq!(of_bedrock("us.anthropic.claude-3-5-sonnet-20241022-v2:0"), "claude-3-5-sonnet-20241022");
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-5";
        assert_eq!(of_bedrock(arn), "claude-sonnet-5");
    }

    #[test]
    fn a_name_of_neither_cloud_stays() {
        for name in
            ["my-alias", "gpt-4o", "", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"]
        {
            assert_eq!((of_bedrock(name), of_vertex(name).as_ref()), (name, name));
        }
    }
}
