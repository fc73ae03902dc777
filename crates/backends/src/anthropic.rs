//! The Anthropic Messages API over HTTP: the body is forwarded byte for byte, with this server's own credentials or with
//! those of each caller ([ADR 10](../../../docs/adr/0010-a-callers-own-key.md)).

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;

use messages::{ApiError, ErrorKind};

use crate::base_url::BaseUrl;
use crate::call::ACCOUNT_TOKEN;
use crate::{
    Backend, BackendError, Call, Health, HealthCell, HttpClient, OwnKey, Reply, ReplyBody, Timeouts, headers,
};

/// Used for requests of our own making, and for callers that name none.
const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
/// A model list longer than this is not one.
const MAX_MODELS_BYTES: usize = 4 << 20;

/// How this server identifies itself to the API.
pub enum Credential {
    /// Sent as `x-api-key`.
    ApiKey(String),
    /// Sent as `Authorization: Bearer`, for gateways and workload identities.
    Bearer(String),
    /// What each caller sends; this server has none.
    Callers,
}

/// Where the API is and how long to wait for it.
pub struct AnthropicSettings {
    /// The backend's name in logs, metrics and `x-backend`.
    pub name: String,
    /// `https://api.anthropic.com`, or a gateway; a path is kept as a prefix.
    pub base_url: String,
    /// Whose account pays.
    pub credential: Credential,
    /// Limits on every wait.
    pub timeouts: Timeouts,
}

/// Why a backend could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum AnthropicSetupError {
    /// A Claude login's token was given where an API key belongs.
    #[error(
        "the credential of an `anthropic` backend is a Claude OAuth token (`sk-ant-oat…`): only the official \
         program may use it. Set CLAUDE_CODE_OAUTH_TOKEN and serve through `claude-code`, or use an API key"
    )]
    OAuthToken,
    /// The address is not a usable URL.
    #[error("its `base_url` is not an http(s) URL: {0}")]
    BaseUrl(String),
    /// The credential cannot be a header.
    #[error("its credential holds characters that no header can carry")]
    Credential,
}

/// The Messages API behind one base URL and one credential.
pub struct Anthropic {
    name: String,
    client: HttpClient,
    base: BaseUrl,
    /// `None` where each caller sends its own.
    auth: Option<(HeaderName, HeaderValue)>,
    health: HealthCell,
}

impl Anthropic {
    /// Prepares the backend; nothing is sent yet.
    ///
    /// # Errors
    /// A base URL or credential that can never work.
    pub fn new(settings: &AnthropicSettings) -> Result<Self, AnthropicSetupError> {
        let bad_url = || AnthropicSetupError::BaseUrl(settings.base_url.clone());
        Ok(Self {
            name: settings.name.clone(),
            client: HttpClient::new(settings.timeouts),
            base: BaseUrl::parse(&settings.base_url).ok_or_else(bad_url)?,
            auth: auth_header(&settings.credential)?,
            health: HealthCell::default(),
        })
    }

    async fn post(&self, path: &str, call: Call) -> Result<Reply, BackendError> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.base.join(path, call.query.as_deref())?;
        let mut headers = headers::request(&call.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match &self.auth {
            Some(_) => self.identify(&mut headers),
            None => callers_own(call.own_key)?.put_into(&mut headers),
        }
        headers.entry("anthropic-version").or_insert(VERSION);
        *request.headers_mut() = headers;

        let answer = self
            .client
            .send(request, call.stream)
            .await
            .inspect_err(|error| self.health.failing(&error.detail))?;
        let (parts, body) = answer.into_parts();
        self.learn(parts.status);
        Ok(Reply {
            status: parts.status,
            headers: headers::answer(&parts.headers),
            body: ReplyBody::Bytes(body),
            ignored: Vec::new(),
            cost: None,
        })
    }

    fn identify(&self, headers: &mut HeaderMap) {
        if let Some((name, value)) = &self.auth {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// What a status says about the backend as a whole, not about one request: a passing 5xx or 529 does not stop
    /// others from being served.
    fn learn(&self, status: StatusCode) {
        match status.as_u16() {
            401 if self.auth.is_some() => self.health.failing(
                "the API refused the key (401): check ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, or `api_key` and `base_url` in the \
                 configuration",
            ),
            500.. => {}
            _ => self.health.served(),
        }
    }

    async fn list_models(&self, query: &str) -> Result<(StatusCode, Bytes), BackendError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.base.join("/v1/models", Some(query))?;
        self.identify(request.headers_mut());
        request.headers_mut().insert("anthropic-version", VERSION);
        self.client.fetch(request, MAX_MODELS_BYTES).await
    }
}

impl Backend for Anthropic {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.post("/v1/messages", call))
    }

    fn count_tokens(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.post("/v1/messages/count_tokens", call))
    }

    fn models<'a>(&'a self, query: &'a str) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            // Without a caller's key nobody tells.
            self.auth.as_ref()?;
            match self.list_models(query).await {
                Ok((StatusCode::OK, body)) => Some(body),
                Ok((status, _)) => {
                    tracing::debug!(%status, "the upstream has no model list");
                    None
                }
                Err(error) => {
                    tracing::debug!(%error, "the upstream's model list cannot be read");
                    None
                }
            }
        })
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn probe(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.list_models("limit=1").await {
                Ok((status, _)) if status.is_server_error() => {
                    self.health.failing(format!("the API answered {status}"));
                }
                Ok((status, _)) => self.learn(status),
                Err(error) => self.health.failing(error.detail),
            }
        })
    }
}

fn auth_header(credential: &Credential) -> Result<Option<(HeaderName, HeaderValue)>, AnthropicSetupError> {
    let (name, secret, text) = match credential {
        Credential::Callers => return Ok(None),
        Credential::ApiKey(key) => (HeaderName::from_static("x-api-key"), key, key.clone()),
        Credential::Bearer(token) => (AUTHORIZATION, token, format!("Bearer {token}")),
    };
    if secret.starts_with(ACCOUNT_TOKEN) {
        return Err(AnthropicSetupError::OAuthToken);
    }
    let mut value = HeaderValue::try_from(text).map_err(|_| AnthropicSetupError::Credential)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The caller's own key, which nobody else has: without one there is nothing to call with.
fn callers_own(key: Option<OwnKey>) -> Result<OwnKey, BackendError> {
    let refused = |kind, message: &str| Err(ApiError::new(kind, message).into());
    match key {
        None => refused(
            ErrorKind::Authentication,
            "Requests go upstream with their caller's own key here, and this one has none. Send it as `x-api-key` or \
             `Authorization: Bearer`; a key of this server's goes into `x-proxy-key` then.",
        ),
        Some(key) if key.is_account_token() => refused(
            ErrorKind::Permission,
            "This is the token of a Claude account (`sk-ant-oat…`), which only the official program may use: it is not \
             forwarded. Send an API key from the Claude Console; or, on your own machine, set CLAUDE_CODE_OAUTH_TOKEN and \
             serve through the backend `claude-code`.",
        ),
        Some(key) => Ok(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn settings(base_url: &str, credential: Credential) -> AnthropicSettings {
        let timeouts = Timeouts { quiet: Duration::from_secs(1), response: Duration::from_secs(1) };
        AnthropicSettings { name: "main".into(), base_url: base_url.into(), credential, timeouts }
    }

    #[test]
    fn a_claude_logins_token_is_never_sent() {
        for credential in
            [Credential::ApiKey("sk-ant-oat01-x".into()), Credential::Bearer("sk-ant-oat01-x".into())]
        {
            let refused = Anthropic::new(&settings("http://127.0.0.1:1", credential)).err();
            assert!(matches!(refused, Some(AnthropicSetupError::OAuthToken)));
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_refused_with_its_key() {
        let refused =
            Anthropic::new(&settings("localhost:8080", Credential::ApiKey("k".into()))).err().unwrap();
        assert!(refused.to_string().contains("`base_url`"), "{refused}");
    }
}
