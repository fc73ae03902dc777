//! What `claude auth status` says, without anything secret.

use serde::Deserialize;

/// Whether and how the program is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthStatus {
    /// Whether it has credentials.
    #[serde(default)]
    pub logged_in: bool,
    /// How: `claude.ai`, `oauth_token`, `api_key`, `third_party`, `none`.
    #[serde(default, rename = "authMethod")]
    pub method: Option<String>,
    /// Who serves the API: `firstParty`, `bedrock`, `vertex`.
    #[serde(default, rename = "apiProvider")]
    pub provider: Option<String>,
    /// The plan of a Claude account: `pro`, `max`, …
    #[serde(default, rename = "subscriptionType")]
    pub subscription: Option<String>,
}

impl AuthStatus {
    /// Reads the program's answer; names and addresses in it are left behind.
    pub(crate) fn parse(output: &str) -> Option<Self> {
        serde_json::from_str(output.get(output.find('{')?..)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_and_who_it_is_left_behind() {
        let output = r#"{"loggedIn":true,"authMethod":"claude.ai","apiProvider":"firstParty","email":"a@b.c","subscriptionType":"max"}"#;
        let status = AuthStatus::parse(output).unwrap();
        assert!(status.logged_in);
        assert_eq!(status.subscription.as_deref(), Some("max"));
        assert!(!format!("{status:?}").contains("a@b.c"));
    }

    #[test]
    fn no_login_is_an_answer_and_noise_is_none() {
        let status = AuthStatus::parse(r#"{"loggedIn":false,"authMethod":"none"}"#).unwrap();
        assert!(!status.logged_in);
        assert_eq!(AuthStatus::parse("Unknown command"), None);
    }
}
