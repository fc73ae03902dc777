//! Keys in AWS's shared files. <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Authorization;
use crate::{BackendError, Environment, files};

type Profile = BTreeMap<String, String>;

/// Ways of a profile to credentials that are not gone here.
const NOT_SUPPORTED: [&str; 5] =
    ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"];

/// The key of the profile in use; nothing where there is no such profile, and it was not asked for by name.
pub(super) async fn read(environment: &Environment) -> Result<Option<Authorization>, BackendError> {
    let asked = environment.get("AWS_PROFILE");
    let name = asked.unwrap_or("default");
    let mut profile = section(path(environment, "AWS_CONFIG_FILE", ".aws/config"), |title| {
        title.strip_prefix("profile").map_or(title == name && name == "default", |rest| rest.trim() == name)
    })
    .await?;
    // What both have, the credentials file decides.
    let credentials = path(environment, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    profile.extend(section(credentials, |title| title == name).await?);
    let found = |key: &str| profile.get(key).cloned().filter(|value| !value.is_empty());
    if let (Some(id), Some(secret)) = (found("aws_access_key_id"), found("aws_secret_access_key")) {
        return Ok(Some(Authorization::Key { id, secret, session_token: found("aws_session_token") }));
    }
    if let Some(way) = NOT_SUPPORTED.into_iter().find(|way| profile.contains_key(*way)) {
        return Err(BackendError::credentials(format!(
            "the AWS profile `{name}` has `{way}`, which is not supported here: give the key itself, as \
             `aws configure export-credentials --format env` prints it"
        )));
    }
    match asked {
        Some(name) => Err(BackendError::credentials(format!("the AWS profile `{name}` has no access key"))),
        None => Ok(None),
    }
}

fn path(environment: &Environment, variable: &str, usual: &str) -> Option<PathBuf> {
    environment.get(variable).map(PathBuf::from).or_else(|| environment.in_home(usual))
}

/// The settings below all the titles that fit; none where there is no such file.
async fn section(path: Option<PathBuf>, fits: impl Fn(&str) -> bool) -> Result<Profile, BackendError> {
    let Some(path) = path else { return Ok(Profile::new()) };
    match files::read(path.clone()).await {
        Ok(text) => Ok(settings(&text, fits)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Profile::new()),
        Err(error) => Err(BackendError::credentials(format!("{}: {error}", path.display()))),
    }
}

fn settings(text: &str, fits: impl Fn(&str) -> bool) -> Profile {
    let mut found = Profile::new();
    let mut inside = false;
    for line in text.lines() {
        // An indented line belongs to the setting above it, and none of those is ours.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some((title, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside = fits(title.trim());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}
