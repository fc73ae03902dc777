//! Backends of kind `bedrock` and `vertex`.

use super::Resolver;
use crate::config::{Bedrock, Secret, Vertex, raw};

impl Resolver<'_> {
    pub(super) fn bedrock(&mut self, name: &str, raw: &mut raw::NamedBackend) -> Bedrock {
        let key = |setting: &str| format!("backends.{name}.{setting}");
        let region = raw
            .region
            .take()
            .or_else(|| self.variable("AWS_REGION"))
            .or_else(|| self.variable("AWS_DEFAULT_REGION"));
        let section = Bedrock {
            region: region.unwrap_or_default(),
            base_url: raw.base_url.take().map(|url| self.base_url(&key("base_url"), &url)),
            bearer_token: self.header_secret(&key("bearer_token"), raw.bearer_token.take()),
            access_key_id: self.header_secret(&key("access_key_id"), raw.access_key_id.take()),
            secret_access_key: self.header_secret(&key("secret_access_key"), raw.secret_access_key.take()),
            session_token: self.header_secret(&key("session_token"), raw.session_token.take()),
            models: raw.models.take().unwrap_or_default(),
        };
        if !is_plain(&section.region) {
            self.problem(
                &key("region"),
                "expected an AWS region like `us-east-1`; without one AWS_REGION counts",
            );
        }
        let Bedrock { bearer_token, access_key_id, secret_access_key, session_token, .. } = &section;
        match (access_key_id, secret_access_key) {
            (Some(_), None) => self.problem(&key("access_key_id"), "needs `secret_access_key` as well"),
            (None, Some(_)) => self.problem(&key("secret_access_key"), "needs `access_key_id` as well"),
            (None, None) if session_token.is_some() => {
                self.problem(&key("session_token"), "needs `access_key_id` and `secret_access_key` as well");
            }
            (Some(_), Some(_)) if bearer_token.is_some() => {
                self.problem(&key("bearer_token"), "give this or an access key, not both");
            }
            _ => {}
        }
        section
    }

    pub(super) fn vertex(&mut self, name: &str, raw: &mut raw::NamedBackend) -> Vertex {
        let key = |setting: &str| format!("backends.{name}.{setting}");
        let section = Vertex {
            project: raw.project.take(),
            region: raw.region.take().unwrap_or_else(|| "global".to_owned()),
            base_url: raw.base_url.take().map(|url| self.base_url(&key("base_url"), &url)),
            credentials: self.google_credentials(&key("credentials"), raw.credentials.take()),
            access_token: self.header_secret(&key("access_token"), raw.access_token.take()),
            models: raw.models.take().unwrap_or_default(),
        };
        if !is_plain(&section.region) {
            self.problem(&key("region"), "expected `global`, `us`, `eu` or a region like `us-east5`");
        }
        // Older ids begin with a domain: `example.com:project`.
        if section.project.as_ref().is_some_and(|project| !is_plain(&project.replace(['.', ':'], "-"))) {
            self.problem(&key("project"), "expected the id of a project");
        }
        if section.credentials.is_some() && section.access_token.is_some() {
            self.problem(&key("access_token"), "give this or `credentials`, not both");
        }
        section
    }

    /// The JSON of a credentials file.
    fn google_credentials(&mut self, key: &str, typed: Option<String>) -> Option<Secret> {
        let secret = self.secret(key, &typed?)?;
        if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(secret.expose()).is_ok() {
            return Some(secret);
        }
        self.problem(key, "is not the JSON of Google's credentials; name their file as `file:PATH`");
        None
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.surroundings.env.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// What may stand in a host's name and in a path.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
