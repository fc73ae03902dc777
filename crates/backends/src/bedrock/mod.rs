//! The Messages API on Amazon Bedrock (`InvokeModel`): the model moves from the body into the path, a version into the
//! body, requests are signed, and a streamed answer is unwrapped from AWS's framing into Messages events.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>

mod betas;
mod body;
mod credentials;
mod names;
mod refusal;
mod settings;
mod sign;
mod stream;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use settings::{AwsCredentials, BedrockSettings};

use crate::base_url::BaseUrl;
use crate::renewed::Renewed;
use crate::{
    Backend, BackendError, Call, CloudSetupError, Health, HealthCell, HttpClient, Reply, ReplyBody,
    UpstreamBody, headers, upstream_error,
};
use betas::KnownOnly;
use credentials::Authorization;
use refusal::Refusal;

/// A count of tokens is a line.
const MAX_COUNT_BYTES: usize = 64 << 10;
/// All but these is encoded in a model's name: `:` becomes `%3A`, which the signature encodes once more.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Claude on Bedrock in one region.
pub struct Bedrock {
    name: String,
    region: String,
    base: BaseUrl,
    models: BTreeMap<String, String>,
    authorization: Renewed<Authorization>,
    known_betas_only: KnownOnly,
    client: HttpClient,
    health: HealthCell,
}

impl Bedrock {
    /// Prepares the backend; nothing is read or sent yet.
    ///
    /// # Errors
    /// An address or region that can never work.
    pub fn new(settings: &BedrockSettings) -> Result<Self, CloudSetupError> {
        let region = &settings.region;
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(CloudSetupError::Region(region.clone()));
        }
        let url = settings.base_url.clone();
        let url = url.unwrap_or_else(|| format!("https://bedrock-runtime.{region}.amazonaws.com"));
        Ok(Self {
            name: settings.name.clone(),
            region: region.clone(),
            base: BaseUrl::parse(&url).ok_or(CloudSetupError::BaseUrl(url))?,
            models: settings.models.clone(),
            authorization: credentials::provider(&settings.credentials),
            known_betas_only: KnownOnly::default(),
            client: HttpClient::new(settings.timeouts),
            health: HealthCell::default(),
        })
    }

    async fn invoke(&self, call: Call) -> Result<Reply, BackendError> {
        let id = names::bedrock_id(&call.model, &self.models, &self.region);
        let operation = if call.stream { "invoke-with-response-stream" } else { "invoke" };
        let asked = self.ask(&id, operation, &call, body::invoke).await?;
        let (answer, ignored) = match asked {
            Ok(answered) => answered,
            Err(refused) => return Ok(refused),
        };
        self.health.served();
        let headers = told(answer.headers());
        let body = answer.into_body();
        let body = match call.stream {
            true => ReplyBody::Events(Box::pin(stream::Events::new(body))),
            false => ReplyBody::Bytes(body),
        };
        Ok(Reply { status: StatusCode::OK, headers, body, ignored, cost: None })
    }

    async fn count(&self, call: Call) -> Result<Reply, BackendError> {
        let id = names::bedrock_id(&call.model, &self.models, &self.region);
        let asked = self.ask(names::without_profile(&id), "count-tokens", &call, body::count).await?;
        let (answer, ignored) = match asked {
            Ok(answered) => answered,
            Err(refused) => return Ok(refused),
        };
        let headers = told(answer.headers());
        let json = upstream_error::whole(answer.into_body(), MAX_COUNT_BYTES).await?;
        let tokens = body::counted(&json).ok_or_else(|| BackendError::cut("no count of tokens".into()))?;
        let body = ReplyBody::Json(format!("{{\"input_tokens\":{tokens}}}").into());
        Ok(Reply { status: StatusCode::OK, headers, body, ignored, cost: None })
    }

    /// Bedrock's answer with the names of what had no effect, or its refusal. It is asked a second time only without
    /// features that it turned out not to know.
    async fn ask(
        &self,
        id: &str,
        operation: &str,
        call: &Call,
        body: fn(&Bytes, &[&str]) -> Result<Bytes, BackendError>,
    ) -> Result<Result<(Response<UpstreamBody>, Vec<String>), Reply>, BackendError> {
        loop {
            let (betas, fewer) = self.known_betas_only.of(&call.headers, call.strict);
            let answer = self.post(id, operation, body(&call.body, &betas)?, call).await?;
            if answer.status().is_success() {
                let ignored = if fewer { vec![headers::BETA.to_owned()] } else { Vec::new() };
                return Ok(Ok((answer, ignored)));
            }
            let (refusal, headers) = self.refused(answer).await;
            if refusal.is_of_betas() && self.known_betas_only.learn(&betas, call.strict) {
                tracing::info!(
                    backend = self.name,
                    "Bedrock refuses a feature: those it may not know are left out"
                );
                continue;
            }
            return Ok(Err(upstream_error::reply(&refusal.error(), told(&headers))));
        }
    }

    async fn post(
        &self,
        id: &str,
        operation: &str,
        body: Bytes,
        call: &Call,
    ) -> Result<Response<UpstreamBody>, BackendError> {
        let path = format!("/model/{}/{operation}", utf8_percent_encode(id, IN_PATH));
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.base.join(&path, None)?;
        *request.headers_mut() = sent(&call.headers);
        let authorization =
            self.authorization.get().await.inspect_err(|error| self.health.failing(&error.detail))?;
        let request = sign::authorize(request, body, &authorization, &self.region)?;
        let answer = self.client.send(request, call.stream).await;
        answer.inspect_err(|error| self.health.failing(&error.detail))
    }

    /// What Bedrock says against a request, and what it says beside it.
    async fn refused(&self, answer: Response<UpstreamBody>) -> (Refusal, HeaderMap) {
        let (parts, body) = answer.into_parts();
        let body = upstream_error::read(body).await;
        let refusal = Refusal::answered(parts.status, &parts.headers, &body);
        if refusal.is_of_credentials() {
            // They may have been replaced on the machine since they were read.
            self.authorization.forget().await;
            self.health
                .failing(format!("AWS refused the credentials ({}, {})", parts.status, refusal.exception));
        }
        (refusal, parts.headers)
    }
}

/// What of the caller's headers Bedrock is told: those that are its own (guardrails, trace, latency).
fn sent(headers: &HeaderMap) -> HeaderMap {
    let its_own = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amzn-bedrock-"));
    let mut sent: HeaderMap = its_own.map(|(name, value)| (name.clone(), value.clone())).collect();
    sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    sent.insert(ACCEPT, HeaderValue::from_static("*/*"));
    sent
}

/// What of the answer's headers the caller is told; AWS's id of the request under the name that clients know.
fn told(headers: &HeaderMap) -> HeaderMap {
    let known = |name: &HeaderName| name == RETRY_AFTER || name.as_str().starts_with("x-amzn-");
    let kept = headers.iter().filter(|(name, _)| known(name));
    let mut told: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(id) = headers.get("x-amzn-requestid") {
        told.insert("request-id", id.clone());
    }
    told
}

impl Backend for Bedrock {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.invoke(call))
    }

    fn count_tokens(&self, call: Call) -> BoxFuture<'_, Result<Reply, BackendError>> {
        Box::pin(self.count(call))
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    /// Whether there are credentials; whether AWS takes them, only a request that is paid for shows.
    fn probe(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.authorization.probe(&self.health))
    }
}
