//! What a Vertex AI backend is made of.

use std::collections::BTreeMap;

use crate::{Environment, Timeouts};

/// Vertex AI in one location of one project.
pub struct VertexSettings {
    /// The backend's name in logs, metrics and `x-backend`.
    pub name: String,
    /// The Google Cloud project that pays. Without one it is the credentials' own (`project_id` in the file,
    /// `GOOGLE_CLOUD_PROJECT`).
    pub project: Option<String>,
    /// `global`, a multi-region (`us`, `eu`) or a region (`us-east5`).
    pub region: String,
    /// Another address than the region's `https://…aiplatform….googleapis.com`, without `/v1`: a private endpoint, a
    /// gateway, a test. A path is kept as a prefix.
    pub base_url: Option<String>,
    /// How requests are authorized.
    pub credentials: GoogleCredentials,
    /// Model id → id in Vertex AI, for models that the default rule does not serve as wished. By that rule
    /// `claude-opus-4-5-20251101` is asked for as `claude-opus-4-5@20251101` and every other id as it is.
    pub models: BTreeMap<String, String>,
    /// Limits on every wait.
    pub timeouts: Timeouts,
}

/// How requests to Google Cloud are authorized: always by a bearer token, which is fetched anew before it expires.
#[derive(Clone)]
pub enum GoogleCredentials {
    /// A token that somebody else renews, such as `gcloud auth print-access-token` gives for an hour.
    AccessToken(String),
    /// The text of a credentials file: `type` `service_account`, `authorized_user` or `external_account`.
    File(String),
    /// Application default credentials, in this order: the file that `GOOGLE_APPLICATION_CREDENTIALS` names; gcloud's
    /// (`~/.config/gcloud/application_default_credentials.json`, or below `CLOUDSDK_CONFIG`); the metadata server of the
    /// machine (`GCE_METADATA_HOST` names another).
    Default(Environment),
}
