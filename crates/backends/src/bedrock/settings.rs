//! What a Bedrock backend is made of.

use std::collections::BTreeMap;

use crate::{Environment, Timeouts};

/// Amazon Bedrock in one region, by one set of credentials.
pub struct BedrockSettings {
    /// The backend's name in logs, metrics and `x-backend`.
    pub name: String,
    /// The AWS region, `us-east-1`. Signatures name it; the address and the default inference profiles follow from it.
    pub region: String,
    /// Another address than `https://bedrock-runtime.{region}.amazonaws.com`: a VPC endpoint, a gateway, a test. A path is
    /// kept as a prefix.
    pub base_url: Option<String>,
    /// How requests are authorized.
    pub credentials: AwsCredentials,
    /// Model id → inference profile, ARN or Bedrock id, for models that the default rule does not serve as wished. By that
    /// rule `claude-sonnet-5` is asked for as `{geo}.anthropic.claude-sonnet-5` and `claude-opus-4-5-20251101` as
    /// `{geo}.anthropic.claude-opus-4-5-20251101-v1:0`, where `{geo}` is `us`, `us-gov`, `eu` or `global` by the region.
    /// A name that has a `.` or `:` is a Bedrock id already and stays as it is.
    pub models: BTreeMap<String, String>,
    /// Limits on every wait.
    pub timeouts: Timeouts,
}

/// How requests to AWS are authorized.
#[derive(Clone)]
pub enum AwsCredentials {
    /// A Bedrock API key, sent as `Authorization: Bearer`; nothing is signed.
    Bearer(String),
    /// Requests are signed (Signature Version 4) with this key.
    Key {
        /// `AKIA…`, or `ASIA…` with a session token.
        access_key_id: String,
        /// Its secret.
        secret_access_key: String,
        /// For temporary credentials.
        session_token: Option<String>,
    },
    /// Found the way AWS's own tools do, in this order: `AWS_BEARER_TOKEN_BEDROCK`; `AWS_ACCESS_KEY_ID` with
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; the profile (`AWS_PROFILE`, or `default`) in the shared credentials
    /// and config files; a container's endpoint (`AWS_CONTAINER_CREDENTIALS_FULL_URI` or `…_RELATIVE_URI`); the metadata
    /// service of the machine, unless `AWS_EC2_METADATA_DISABLED` is `true`. What expires is fetched anew before it does.
    Standard(Environment),
}
