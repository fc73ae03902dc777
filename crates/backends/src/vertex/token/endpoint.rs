//! Asking for tokens: forms to a token endpoint, and the metadata server of a machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{Fetched, Token};
use crate::renewed::{Expiring, Source};
use crate::{BackendError, Environment, HttpClient, Timeouts};

const MAX_BYTES: usize = 64 << 10;
/// A metadata server answers at once or is not there.
const PATIENCE: Timeouts = Timeouts { quiet: Duration::from_secs(3), response: Duration::from_secs(5) };

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds.
    expires_in: u64,
}

#[derive(Default, Deserialize)]
struct Denied {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Sends a form to a token endpoint.
pub(super) async fn post_form(client: &HttpClient, url: &str, fields: &[(&str, &str)]) -> Fetched {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let form: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let mut request = request(Method::POST, url, form.join("&"))?;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    let (status, body) = ask(client, request).await?;
    granted(status, &body, url)
}

/// Sends a request of a few bytes and takes an answer of a few more.
pub(super) async fn ask(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), BackendError> {
    let asked = client.fetch(request, MAX_BYTES).await;
    asked.map_err(|failure| BackendError::credentials(format!("no token from Google: {failure}")))
}

pub(super) fn request(
    method: Method,
    url: &str,
    body: impl Into<Bytes>,
) -> Result<Request<Full<Bytes>>, BackendError> {
    let url: Uri =
        url.parse().map_err(|_| BackendError::credentials(format!("no URL of a token endpoint: {url}")))?;
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = method;
    *request.uri_mut() = url;
    Ok(request)
}

/// The token in an answer, or what the endpoint says against it.
fn granted(status: StatusCode, body: &[u8], from: &str) -> Fetched {
    if status != StatusCode::OK {
        let Denied { error, error_description } = serde_json::from_slice(body).unwrap_or_default();
        let detail = format!("{from} gave no token: {status} {error} {error_description}");
        return Err(BackendError::credentials(detail.trim_end().to_owned()));
    }
    let granted: Granted = serde_json::from_slice(body)
        .map_err(|_| BackendError::credentials(format!("{from} gave something else than a token")))?;
    let until = SystemTime::now() + Duration::from_secs(granted.expires_in);
    Ok(Expiring { value: granted.access_token.into(), until: Some(until) })
}

/// The metadata server of a machine of Google's: tokens of the service account that runs it.
pub(super) struct Metadata {
    url: String,
    client: HttpClient,
}

impl Metadata {
    pub(super) fn new(environment: &Environment) -> Self {
        let host = environment.get("GCE_METADATA_HOST").unwrap_or("metadata.google.internal");
        let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        Self { url, client: HttpClient::new(PATIENCE) }
    }
}

impl Source<Token> for Metadata {
    fn fetch(&self) -> BoxFuture<'_, Fetched> {
        Box::pin(async move {
            let mut request = request(Method::GET, &self.url, Bytes::new())?;
            request.headers_mut().insert("metadata-flavor", HeaderValue::from_static("Google"));
            let asked = self.client.fetch(request, MAX_BYTES).await;
            let (status, body) = asked.map_err(|failure| {
                BackendError::credentials(format!(
                    "no Google credentials were found: set `credentials` or GOOGLE_APPLICATION_CREDENTIALS, or run \
                     `gcloud auth application-default login`; this machine has no metadata server ({failure})"
                ))
            })?;
            granted(status, &body, "the metadata server")
        })
    }
}

/// A point in time in RFC 3339, as the credentials service writes it.
pub(super) fn until(token: &str, expires: &str) -> Fetched {
    let unreadable = || BackendError::credentials("the impersonated account's token has no end".into());
    let until = humantime::parse_rfc3339(expires).map_err(|_| unreadable())?;
    Ok(Expiring { value: Arc::from(token), until: Some(until) })
}
