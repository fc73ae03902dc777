//! What Vertex AI calls a model, a location's host and a prediction.

use std::collections::BTreeMap;

use messages::names;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// The id in Vertex AI: by the operator's table, else with `@` before the date.
pub(super) fn vertex_id(model: &str, table: &BTreeMap<String, String>) -> String {
    table.get(model).cloned().unwrap_or_else(|| names::on_vertex(model).into_owned())
}

/// The address of a location. `us` and `eu` are multi-regions with hosts of another form.
pub(super) fn address(region: &str) -> String {
    match region {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{region}.rep.googleapis.com"),
        _ => format!("https://{region}-aiplatform.googleapis.com"),
    }
}

/// The path of a prediction by a publisher's model.
pub(super) fn path(project: &str, region: &str, model: &str, verb: &str) -> String {
    let model = utf8_percent_encode(model, IN_PATH);
    format!("/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}:{verb}")
}

/// Whether this can stand in a path as it is: letters, digits, `-`, and for projects of a domain `.` and `:`.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_set_off_with_an_at_sign() {
        let id =
            |model| vertex_id(model, &BTreeMap::from([("mine".to_owned(), "claude-x@default".to_owned())]));
        assert_eq!(id("claude-opus-4-5-20251101"), "claude-opus-4-5@20251101");
        assert_eq!(id("claude-sonnet-5-5"), "claude-sonnet-5-5");
        assert_eq!(id("claude-opus-4-5@20251101"), "claude-opus-4-5@20251101");
        assert_eq!(id("mine"), "claude-x@default");
    }

    #[test]
    fn each_location_has_its_host() {
        assert_eq!(address("global"), "https://aiplatform.googleapis.com");
        assert_eq!(address("eu"), "https://aiplatform.eu.rep.googleapis.com");
        assert_eq!(address("us-east5"), "https://us-east5-aiplatform.googleapis.com");
    }

    #[test]
    fn a_models_name_can_not_leave_its_place_in_the_path() {
        let path = path("p", "global", "../x@1?a:b", "rawPredict");
        assert_eq!(
            path,
            "/v1/projects/p/locations/global/publishers/anthropic/models/..%2Fx@1%3Fa%3Ab:rawPredict"
        );
        assert!(is_plain("example.com:my-project") && !is_plain("a/b") && !is_plain(""));
    }
}
