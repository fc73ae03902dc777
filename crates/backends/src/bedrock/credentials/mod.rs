//! Where requests to AWS get their authorization from.

mod document;
mod endpoint;
mod profile;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use super::AwsCredentials;
use crate::renewed::{Expiring, Renewed, Source};
use crate::{BackendError, Environment, HttpClient, Timeouts};

/// What a file says is read again after that time, so that a rotated key is noticed.
const FILES_ARE_GOOD_FOR: Duration = Duration::from_secs(900);
/// Endpoints of a machine or container answer at once or not at all.
const PATIENCE: Timeouts = Timeouts { quiet: Duration::from_secs(2), response: Duration::from_secs(5) };
const NOTHING_FOUND: &str = "no AWS credentials were found: set `bearer_token`, or `access_key_id` and \
    `secret_access_key`, or AWS_BEARER_TOKEN_BEDROCK, AWS_ACCESS_KEY_ID or AWS_PROFILE; a container's or machine's role \
    was looked for, too";

/// What authorizes a request. Cheap to clone.
#[derive(Clone)]
pub(super) enum Authorization {
    /// Sent as it is.
    Bearer(Arc<str>),
    /// Signs.
    Key { id: String, secret: String, session_token: Option<String> },
}

/// The authorization for these settings, kept and renewed.
pub(super) fn provider(settings: &AwsCredentials) -> Renewed<Authorization> {
    match settings {
        AwsCredentials::Bearer(key) => {
            Renewed::new(Box::new(Given(Authorization::Bearer(key.as_str().into()))))
        }
        AwsCredentials::Key { access_key_id, secret_access_key, session_token } => {
            let (id, secret) = (access_key_id.clone(), secret_access_key.clone());
            let key = Authorization::Key { id, secret, session_token: session_token.clone() };
            Renewed::new(Box::new(Given(key)))
        }
        AwsCredentials::Standard(environment) => {
            let client = HttpClient::new(PATIENCE);
            Renewed::new(Box::new(Standard { environment: environment.clone(), client }))
        }
    }
}

/// Configured, and good for ever as far as can be known.
struct Given(Authorization);

impl Source<Authorization> for Given {
    fn fetch(&self) -> BoxFuture<'_, Result<Expiring<Authorization>, BackendError>> {
        Box::pin(std::future::ready(Ok(Expiring { value: self.0.clone(), until: None })))
    }
}

/// Found the way AWS's own tools do.
struct Standard {
    environment: Environment,
    client: HttpClient,
}

impl Source<Authorization> for Standard {
    fn fetch(&self) -> BoxFuture<'_, Result<Expiring<Authorization>, BackendError>> {
        Box::pin(async move {
            if let Some(value) = of_environment(&self.environment) {
                return Ok(Expiring { value, until: None });
            }
            if let Some(value) = profile::read(&self.environment).await? {
                return Ok(Expiring { value, until: Some(SystemTime::now() + FILES_ARE_GOOD_FOR) });
            }
            if let Some(found) = endpoint::of_container(&self.environment, &self.client).await? {
                return Ok(found);
            }
            let found = endpoint::of_machine(&self.environment, &self.client).await?;
            found.ok_or_else(|| BackendError::credentials(NOTHING_FOUND.into()))
        })
    }
}

fn of_environment(environment: &Environment) -> Option<Authorization> {
    if let Some(key) = environment.get("AWS_BEARER_TOKEN_BEDROCK") {
        return Some(Authorization::Bearer(key.into()));
    }
    let (id, secret) = (environment.get("AWS_ACCESS_KEY_ID")?, environment.get("AWS_SECRET_ACCESS_KEY")?);
    let session_token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    Some(Authorization::Key { id: id.to_owned(), secret: secret.to_owned(), session_token })
}

#[cfg(test)]
mod tests;
