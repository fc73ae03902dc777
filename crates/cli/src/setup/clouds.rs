//! Settings of the backends of clouds.

use backends::{AwsCredentials, BedrockSettings, Environment, GoogleCredentials, VertexSettings};
use policy::config::{self, Config, Secret};

pub(super) fn bedrock(name: &str, section: &config::Bedrock, config: &Config) -> BedrockSettings {
    BedrockSettings {
        name: name.to_owned(),
        region: section.region.clone(),
        base_url: section.base_url.clone(),
        credentials: aws(section),
        models: section.models.clone(),
        timeouts: super::timeouts(config),
    }
}

fn aws(section: &config::Bedrock) -> AwsCredentials {
    match (&section.bearer_token, &section.access_key_id, &section.secret_access_key) {
        (Some(token), _, _) => AwsCredentials::Bearer(text(token)),
        (None, Some(id), Some(secret)) => AwsCredentials::Key {
            access_key_id: text(id),
            secret_access_key: text(secret),
            session_token: section.session_token.as_ref().map(text),
        },
        _ => AwsCredentials::Standard(Environment::of_process()),
    }
}

pub(super) fn vertex(name: &str, section: &config::Vertex, config: &Config) -> VertexSettings {
    VertexSettings {
        name: name.to_owned(),
        project: section.project.clone(),
        region: section.region.clone(),
        base_url: section.base_url.clone(),
        credentials: google(section),
        models: section.models.clone(),
        timeouts: super::timeouts(config),
    }
}

fn google(section: &config::Vertex) -> GoogleCredentials {
    match (&section.access_token, &section.credentials) {
        (Some(token), _) => GoogleCredentials::AccessToken(text(token)),
        (None, Some(file)) => GoogleCredentials::File(text(file)),
        (None, None) => GoogleCredentials::Default(Environment::of_process()),
    }
}

fn text(secret: &Secret) -> String {
    secret.expose().to_owned()
}
