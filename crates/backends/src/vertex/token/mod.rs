//! Bearer tokens of Google Cloud: where they come from, and how they are renewed.

mod endpoint;
mod exchange;
mod file;
mod service_account;

use std::path::PathBuf;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::GoogleCredentials;
use crate::renewed::{Expiring, Renewed, Source};
use crate::{BackendError, CloudSetupError, Environment, HttpClient, Timeouts};
use file::CredentialsFile;

/// What tokens are asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const ADC: &str = "application_default_credentials.json";

type Token = Arc<str>;
type Fetched = Result<Expiring<Token>, BackendError>;

/// Where tokens come from, and what else the credentials tell.
pub(super) struct Credentials {
    pub(super) tokens: Renewed<Token>,
    /// The project that they belong to.
    pub(super) project: Option<String>,
    /// The project whose quota a person's credentials use.
    pub(super) quota_project: Option<String>,
}

impl Credentials {
    /// Reads what is configured; no token is asked for yet.
    pub(super) fn new(settings: &GoogleCredentials, timeouts: Timeouts) -> Result<Self, CloudSetupError> {
        match settings {
            GoogleCredentials::AccessToken(token) => Ok(Self::of(Given(token.as_str().into()), None)),
            GoogleCredentials::File(text) => Self::of_file(text, timeouts, "the configuration"),
            GoogleCredentials::Default(environment) => Self::found(environment, timeouts),
        }
    }

    fn found(environment: &Environment, timeouts: Timeouts) -> Result<Self, CloudSetupError> {
        let named = environment.get("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        let path = named.clone().or_else(|| {
            let folder = environment.get("CLOUDSDK_CONFIG").map(PathBuf::from);
            Some(folder.or_else(|| environment.in_home(".config/gcloud"))?.join(ADC))
        });
        let read = path.map(|path| (std::fs::read_to_string(&path), path));
        let mut credentials = match read {
            Some((Ok(text), path)) => Self::of_file(&text, timeouts, &path.display().to_string())?,
            Some((Err(error), path)) if named.is_some() => {
                return Err(CloudSetupError::Credentials(format!("{}: {error}", path.display())));
            }
            _ => Self::of(endpoint::Metadata::new(environment), None),
        };
        if let Some(project) = environment.get("GOOGLE_CLOUD_PROJECT") {
            credentials.project = Some(project.to_owned());
        }
        Ok(credentials)
    }

    fn of_file(text: &str, timeouts: Timeouts, from: &str) -> Result<Self, CloudSetupError> {
        let refused = |why: String| CloudSetupError::Credentials(format!("{from}: {why}"));
        let client = HttpClient::new(timeouts);
        match file::read(text).map_err(refused)? {
            CredentialsFile::ServiceAccount(account) => {
                let project = account.project_id.clone();
                let signer = service_account::Signer::new(account, client).map_err(refused)?;
                Ok(Self::of(signer, project))
            }
            CredentialsFile::AuthorizedUser(user) => {
                let quota_project = user.quota_project_id.clone();
                let credentials = Self::of(exchange::User { user, client }, quota_project.clone());
                Ok(Self { quota_project, ..credentials })
            }
            CredentialsFile::ExternalAccount(account) => {
                Ok(Self::of(exchange::External { account, client }, None))
            }
        }
    }

    fn of(source: impl Source<Token> + 'static, project: Option<String>) -> Self {
        Self { tokens: Renewed::new(Box::new(source)), project, quota_project: None }
    }
}

/// A token that somebody else renews.
struct Given(Token);

impl Source<Token> for Given {
    fn fetch(&self) -> BoxFuture<'_, Fetched> {
        Box::pin(std::future::ready(Ok(Expiring { value: Arc::clone(&self.0), until: None })))
    }
}
