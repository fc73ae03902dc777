//! Credentials files. <https://google.aip.dev/auth/4110>

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;

/// One file's content.
pub(super) enum CredentialsFile {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(AuthorizedUser),
    ExternalAccount(ExternalAccount),
}

/// A robot's own key.
#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) client_email: String,
    /// PKCS #8 in PEM.
    pub(super) private_key: String,
    pub(super) private_key_id: Option<String>,
    #[serde(default = "google")]
    pub(super) token_uri: String,
    pub(super) project_id: Option<String>,
}

/// A person's, as `gcloud auth application-default login` leaves it.
#[derive(Deserialize)]
pub(super) struct AuthorizedUser {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
    /// Google's own files do not have it.
    #[serde(default = "google")]
    pub(super) token_uri: String,
    pub(super) quota_project_id: Option<String>,
}

/// Workload identity federation: another provider's token is exchanged for one of Google's.
#[derive(Deserialize)]
pub(super) struct ExternalAccount {
    pub(super) audience: String,
    pub(super) subject_token_type: String,
    pub(super) token_url: String,
    pub(super) credential_source: CredentialSource,
    pub(super) service_account_impersonation_url: Option<String>,
}

/// Where the other provider's token is.
#[derive(Deserialize)]
pub(super) struct CredentialSource {
    pub(super) file: Option<PathBuf>,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) format: Format,
    /// Sources that are not supported.
    environment_id: Option<String>,
    executable: Option<Box<RawValue>>,
    certificate: Option<Box<RawValue>>,
}

/// How the token stands there.
#[derive(Default, Deserialize)]
pub(super) struct Format {
    /// `json`, else it is the text itself.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    /// The member that holds it.
    #[serde(default)]
    pub(super) subject_token_field_name: String,
}

fn google() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

/// Reads a file; what is wrong with it is told without its content.
pub(super) fn read(text: &str) -> Result<CredentialsFile, String> {
    let Ok(Kind { r#type }) = serde_json::from_str(text) else {
        return Err("it is no credentials file: a JSON object with a `type`".to_owned());
    };
    match r#type.as_str() {
        "service_account" => parsed(text).map(CredentialsFile::ServiceAccount),
        "authorized_user" => parsed(text).map(CredentialsFile::AuthorizedUser),
        "external_account" => external(parsed(text)?).map(CredentialsFile::ExternalAccount),
        "impersonated_service_account" | "external_account_authorized_user" | "gdch_service_account" => {
            Err(format!("credentials of type `{type}` are not supported here"))
        }
        _ => {
            Err("its `type` is not known; service_account, authorized_user and external_account are"
                .to_owned())
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        // Names of members may be told, values may not.
        let told = error.to_string();
        match told.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => format!("it lacks `{field}`"),
            None => format!("a member of it has another type than it should (line {})", error.line()),
        }
    })
}

fn external(account: ExternalAccount) -> Result<ExternalAccount, String> {
    let source = &account.credential_source;
    if source.environment_id.is_some() {
        return Err("`credential_source.environment_id` (AWS) is not supported here".to_owned());
    }
    if source.executable.is_some() || source.certificate.is_some() {
        return Err(
            "`credential_source` may be a `file` or a `url` here, no program or certificate".to_owned()
        );
    }
    match (&source.file, &source.url) {
        (None, None) => Err("`credential_source` has neither `file` nor `url`".to_owned()),
        _ => Ok(account),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text).err().unwrap()
    }

    #[test]
    fn what_is_wrong_is_told_without_a_secret() {
        assert!(refused("not json SECRET").contains("no credentials file"));
        assert!(refused(r#"{"type":"SECRET"}"#).contains("`type` is not known"));
        let user = r#"{"type":"authorized_user","client_id":"i","client_secret":"SECRET"}"#;
        assert_eq!(refused(user), "it lacks `refresh_token`");
        let account = r#"{"type":"service_account","client_email":["SECRET"],"private_key":"k"}"#;
        assert!(!refused(account).contains("SECRET"));
        let aws = r#"{"type":"external_account","audience":"a","subject_token_type":"t","token_url":"u",
            "credential_source":{"environment_id":"aws1"}}"#;
        assert!(refused(aws).contains("(AWS)"));
        assert!(refused(r#"{"type":"impersonated_service_account"}"#).contains("not supported"));
    }

    #[test]
    fn googles_endpoint_is_meant_where_none_is_named() {
        let user = r#"{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}"#;
        let Ok(CredentialsFile::AuthorizedUser(user)) = read(user) else { panic!() };
        assert_eq!(user.token_uri, "https://oauth2.googleapis.com/token");
    }
}
