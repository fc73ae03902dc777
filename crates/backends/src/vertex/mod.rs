//! The Messages API on Google Cloud's Vertex AI: the model moves from the body into the path, a version into the body,
//! and a token of Google's authorizes. Answers are those of the Messages API, also in a stream, and pass as they come.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>

mod names;
mod refusal;
mod settings;
mod token;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use wire::json::edit::Edit;

pub use settings::{GoogleCredentials, VertexSettings};

use crate::base_url::BaseUrl;
use crate::{
    Backend, BackendError, Call, CloudSetupError, Health, HealthCell, HttpClient, Reply, ReplyBody,
    UpstreamBody, headers, upstream_error,
};
use token::Credentials;

const VERSION: &str = r#""vertex-2023-10-16""#;
/// The "model" that counts tokens; the body names the one that is meant.
const COUNTER: &str = "count-tokens";

/// Claude on Vertex AI in one location of one project.
pub struct Vertex {
    name: String,
    project: String,
    region: String,
    base: BaseUrl,
    models: BTreeMap<String, String>,
    credentials: Credentials,
    client: HttpClient,
    health: HealthCell,
}

impl Vertex {
    /// Prepares the backend and reads a credentials file; nothing is sent yet.
    ///
    /// # Errors
    /// An address, project or file that can never work.
    pub fn new(settings: &VertexSettings) -> Result<Self, CloudSetupError> {
        let region = &settings.region;
        if !names::is_plain(region) {
            return Err(CloudSetupError::Region(region.clone()));
        }
        let credentials = Credentials::new(&settings.credentials, settings.timeouts)?;
        let project = settings.project.clone().or_else(|| credentials.project.clone());
        let project = project.ok_or(CloudSetupError::NoProject)?;
        if !names::is_plain(&project) {
            return Err(CloudSetupError::Project(project));
        }
        let url = settings.base_url.clone().unwrap_or_else(|| names::address(region));
        Ok(Self {
            name: settings.name.clone(),
            project,
            region: region.clone(),
            base: BaseUrl::parse(&url).ok_or(CloudSetupError::BaseUrl(url))?,
            models: settings.models.clone(),
            credentials,
            client: HttpClient::new(settings.timeouts),
            health: HealthCell::default(),
        })
    }

    async fn predict(&self, call: Call) -> Result<Reply, BackendError> {
        let id = names::vertex_id(&call.model, &self.models);
        let edit = Edit::new(&call.body).remove("model").set("anthropic_version", VERSION);
        let body = edit.finish()?;
        let verb = if call.stream { "streamRawPredict" } else { "rawPredict" };
        self.post(&id, verb, body, &call).await
    }

    async fn count(&self, call: Call) -> Result<Reply, BackendError> {
        let id = serde_json::Value::from(names::vertex_id(&call.model, &self.models)).to_string();
        let edit = Edit::new(&call.body).set("model", &id).set("anthropic_version", VERSION);
        let body = edit.finish()?;
        self.post(COUNTER, "rawPredict", body, &call).await
    }

    async fn post(&self, model: &str, verb: &str, body: Bytes, call: &Call) -> Result<Reply, BackendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.base.join(&names::path(&self.project, &self.region, model, verb), None)?;
        let token =
            self.credentials.tokens.get().await.inspect_err(|error| self.health.failing(&error.detail))?;
        *request.headers_mut() = self.sent(&call.headers, &token)?;
        let answer = self.client.send(request, call.stream).await;
        let answer = answer.inspect_err(|error| self.health.failing(&error.detail))?;
        if !answer.status().is_success() {
            return Ok(self.refused(answer).await);
        }
        self.health.served();
        let (parts, body) = answer.into_parts();
        let (headers, body) = (told(&parts.headers), ReplyBody::Bytes(body));
        Ok(Reply { status: parts.status, headers, body, ignored: Vec::new(), cost: None })
    }

    /// What of the caller's headers Vertex AI is told (features, and its own), with this server's token.
    fn sent(&self, callers: &HeaderMap, token: &str) -> Result<HeaderMap, BackendError> {
        let unusable =
            |_| BackendError::credentials("the token holds characters that no header can carry".into());
        let its_own = callers.iter().filter(|(name, _)| name.as_str().starts_with("x-vertex-ai-"));
        let mut sent: HeaderMap = its_own.map(|(name, value)| (name.clone(), value.clone())).collect();
        sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let betas = headers::betas(callers).join(",");
        if let Some(betas) = HeaderValue::try_from(betas).ok().filter(|betas| !betas.is_empty()) {
            sent.insert(headers::BETA, betas);
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(unusable)?;
        bearer.set_sensitive(true);
        sent.insert(AUTHORIZATION, bearer);
        if let Some(project) = &self.credentials.quota_project {
            sent.insert("x-goog-user-project", HeaderValue::try_from(project).map_err(unusable)?);
        }
        Ok(sent)
    }

    /// The model's own error as it is, Google's in the Messages API's shape.
    async fn refused(&self, answer: Response<UpstreamBody>) -> Reply {
        let (parts, body) = answer.into_parts();
        let body = upstream_error::read(body).await;
        if parts.status == StatusCode::UNAUTHORIZED {
            self.credentials.tokens.forget().await;
            self.health.failing("Google refused the access token (401)");
        }
        if refusal::is_messages(&body) && parts.status != StatusCode::UNAUTHORIZED {
            let (headers, body) = (told(&parts.headers), ReplyBody::Json(body));
            return Reply { status: parts.status, headers, body, ignored: Vec::new(), cost: None };
        }
        upstream_error::reply(&refusal::error(parts.status, &body), told(&parts.headers))
    }
}

/// What of the answer's headers the caller is told.
fn told(headers: &HeaderMap) -> HeaderMap {
    let known = |name: &HeaderName| {
        [CONTENT_TYPE, RETRY_AFTER].contains(name)
            || ["request-id", "x-should-retry"].contains(&name.as_str())
            || ["anthropic-", "x-vertex-ai-"].iter().any(|start| name.as_str().starts_with(start))
    };
    headers
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

impl Backend for Vertex {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.predict(call))
    }

    fn count_tokens(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.count(call))
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    /// Whether a token is to be had; whether the project may use the models, only a request that is paid for shows.
    fn probe(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.credentials.tokens.probe(&self.health))
    }
}
