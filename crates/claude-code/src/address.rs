//! Where the program calls, so that it can be kept from calling on its own and be allowed to again.

use crate::settings::{Credentials, Settings};

/// An address that nothing can listen on.
const NOWHERE: &str = "http://127.0.0.1:0";

/// The variable that holds the API's address, and what it was at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    name: &'static str,
    given: Option<String>,
}

impl Address {
    pub(crate) fn new(settings: &Settings) -> Self {
        let configured = |name: &str| {
            let own = settings.extra_env.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
            own.or_else(|| settings.operator_env.get(name))?.to_str().map(str::to_string)
        };
        let (name, given) = match settings.credentials {
            // Empty, it is the same to the program as not set.
            Credentials::ApiKey | Credentials::Login | Credentials::OauthToken => {
                ("ANTHROPIC_BASE_URL", Some(settings.base_url.clone().unwrap_or_default()))
            }
            Credentials::Bedrock => cloud("ANTHROPIC_BEDROCK_BASE_URL", configured),
            Credentials::Vertex => cloud("ANTHROPIC_VERTEX_BASE_URL", configured),
        };
        Self { name, given }
    }

    /// The setting that makes the next call lead nowhere.
    pub(crate) const fn nowhere(&self) -> (&'static str, &'static str) {
        (self.name, NOWHERE)
    }

    /// The setting that undoes it, where one is known: a cloud's own address has no name that could be set.
    pub(crate) fn given(&self) -> Option<(&'static str, &str)> {
        Some((self.name, self.given.as_deref()?))
    }
}

fn cloud(name: &'static str, configured: impl Fn(&str) -> Option<String>) -> (&'static str, Option<String>) {
    (name, configured(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_known_and_a_clouds_own_address_is_not() {
        let with = |credentials| Settings {
            base_url: Some("http://api".into()),
            extra_env: vec![("ANTHROPIC_VERTEX_BASE_URL".into(), "http://vertex".into())],
            ..Settings::new("/bin/claude", credentials, "/tmp/scratch")
        };
        let given = |credentials| Address::new(&with(credentials)).given().map(|(_, url)| url.to_string());
        assert_eq!(given(Credentials::ApiKey).as_deref(), Some("http://api"));
        assert_eq!(given(Credentials::Vertex).as_deref(), Some("http://vertex"));
        assert_eq!(given(Credentials::Bedrock), None);
    }
}
