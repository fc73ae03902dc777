//! Where the program calls, so that it can be kept from calling on its own and be allowed to again.

use crate::settings::{Credentials, Settings};

/// An address of no protocol there is: such a call fails before anything is connected to, an HTTP proxy included (which
/// would be sent the whole request for an unreachable address, in plain text).
const NOWHERE: &str = "nowhere://nowhere";

/// The variable that holds the API's address, and what it was at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    name: &'static str,
    /// Empty where none was given: to the program that is the same as not set, for the API and for both clouds.
    given: String,
}

impl Address {
    pub(crate) fn new(settings: &Settings) -> Self {
        let configured = |name: &str| {
            let own = settings.extra_env.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
            own.or_else(|| settings.operator_env.get(name))?.to_str().map(str::to_string)
        };
        let (name, given) = match settings.credentials {
            Credentials::ApiKey | Credentials::Login | Credentials::OauthToken => {
                ("ANTHROPIC_BASE_URL", settings.base_url.clone())
            }
            Credentials::Bedrock => cloud("ANTHROPIC_BEDROCK_BASE_URL", configured),
            Credentials::Vertex => cloud("ANTHROPIC_VERTEX_BASE_URL", configured),
        };
        Self { name, given: given.unwrap_or_default() }
    }

    /// The setting that makes the next call lead nowhere.
    pub(crate) const fn nowhere(&self) -> (&'static str, &'static str) {
        (self.name, NOWHERE)
    }

    /// The setting that undoes it.
    pub(crate) fn given(&self) -> (&'static str, &str) {
        (self.name, &self.given)
    }
}

fn cloud(name: &'static str, configured: impl Fn(&str) -> Option<String>) -> (&'static str, Option<String>) {
    (name, configured(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_comes_back_and_else_the_providers_own() {
        let with = |credentials| Settings {
            base_url: Some("http://api".into()),
            extra_env: vec![("ANTHROPIC_VERTEX_BASE_URL".into(), "http://vertex".into())],
            ..Settings::new("/bin/claude", credentials, "/tmp/scratch")
        };
        let given = |credentials| {
            let address = Address::new(&with(credentials));
            let (name, url) = address.given();
            (name, url.to_string())
        };
        assert_eq!(given(Credentials::ApiKey), ("ANTHROPIC_BASE_URL", "http://api".to_string()));
        assert_eq!(given(Credentials::Vertex), ("ANTHROPIC_VERTEX_BASE_URL", "http://vertex".to_string()));
        assert_eq!(given(Credentials::Bedrock), ("ANTHROPIC_BEDROCK_BASE_URL", String::new()));
    }
}
