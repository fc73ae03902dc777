//! Puts the authorization on a request: a signature (Signature Version 4), or a bearer key.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;

use super::credentials::Authorization;
use crate::BackendError;

/// The service's name in signatures, also of its runtime.
const SERVICE: &str = "bedrock";

/// Authorizes a request, which must not be changed afterwards.
pub(super) fn authorize(
    mut request: Request<()>,
    body: Bytes,
    with: &Authorization,
    region: &str,
) -> Result<Request<Full<Bytes>>, BackendError> {
    match with {
        Authorization::Bearer(key) => {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| unusable())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Authorization::Key { id, secret, session_token } => {
            let credentials = Credentials::new(id, secret, session_token.clone(), None, "claude-code-proxy");
            signed(&mut request, &body, credentials, region, SystemTime::now()).ok_or_else(unusable)?;
        }
    }
    Ok(request.map(|()| Full::new(body)))
}

/// `None` when the credentials or a header hold what no header can.
fn signed(
    request: &mut Request<()>,
    body: &[u8],
    credentials: Credentials,
    region: &str,
    time: SystemTime,
) -> Option<()> {
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .ok()?;
    let headers = request.headers().iter();
    let headers: Vec<_> =
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let uri = request.uri().to_string();
    let signable =
        SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), SignableBody::Bytes(body))
            .ok()?;
    let (instructions, _signature) = sign(signable, &params.into()).ok()?.into_parts();
    instructions.apply_to_request_http1x(request);
    Some(())
}

fn unusable() -> BackendError {
    BackendError::credentials("the AWS credentials hold characters that no header can carry".into())
}
