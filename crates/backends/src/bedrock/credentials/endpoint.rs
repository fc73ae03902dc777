//! Credentials of the role of a container (ECS, EKS) or of a machine (EC2), asked for at their endpoints.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;

use super::{Authorization, document};
use crate::renewed::Expiring;
use crate::{BackendError, Environment, HttpClient, files};

const CONTAINER_HOST: &str = "http://169.254.170.2";
const MACHINE_HOST: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// Hosts to which credentials may be sent without TLS: loopback, and those of ECS and EKS.
const PLAIN_HOSTS: [&str; 6] =
    ["localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
const MAX_BYTES: usize = 64 << 10;

type Found = Option<Expiring<Authorization>>;

/// The role of the container; nothing where this is none.
pub(super) async fn of_container(
    environment: &Environment,
    client: &HttpClient,
) -> Result<Found, BackendError> {
    let url = match environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => format!("{CONTAINER_HOST}{path}"),
        None => match environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(url) => url.to_owned(),
            None => return Ok(None),
        },
    };
    let url: Uri = url.parse().map_err(|_| refused("its address is no URL"))?;
    let is_local = url.host().is_some_and(|host| PLAIN_HOSTS.contains(&host));
    if url.scheme_str() != Some("https") && !is_local {
        return Err(refused("its address is neither https nor that of a container"));
    }
    let mut request = request(Method::GET, url);
    let token = match environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => {
            Some(files::read(path.into()).await.map_err(|error| refused(&format!("{path}: {error}")))?)
        }
        None => environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
    };
    if let Some(token) = token {
        let value = HeaderValue::try_from(token.trim()).map_err(|_| refused("its token is no header"))?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    match client.fetch(request, MAX_BYTES).await? {
        (StatusCode::OK, json) => document::read(&json, "the container's endpoint").map(Some),
        (status, _) => Err(refused(&format!("it answered {status}"))),
    }
}

/// The role of the machine; nothing where there is no such service, or no role.
pub(super) async fn of_machine(
    environment: &Environment,
    client: &HttpClient,
) -> Result<Found, BackendError> {
    if environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let host =
        environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(MACHINE_HOST).trim_end_matches('/');
    let url =
        |path: &str| format!("{host}{path}").parse::<Uri>().map_err(|_| machine("its address is no URL"));
    let mut asking = request(Method::PUT, url("/latest/api/token")?);
    let lifetime = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
    asking.headers_mut().insert(lifetime, HeaderValue::from_static("21600"));
    let token = match client.fetch(asking, MAX_BYTES).await {
        Ok((StatusCode::OK, token)) => {
            HeaderValue::from_maybe_shared(token).map_err(|_| machine("its token is no header"))?
        }
        Ok(_) => return Ok(None),
        Err(failure) => {
            tracing::debug!(error = %failure, "there is no metadata service of a machine");
            return Ok(None);
        }
    };
    let get = async |path: &str| {
        let mut request = request(Method::GET, url(path)?);
        request.headers_mut().insert("x-aws-ec2-metadata-token", token.clone());
        client.fetch(request, MAX_BYTES).await
    };
    let (status, roles) = get(ROLES).await?;
    let role = String::from_utf8_lossy(&roles);
    let Some(role) = role.lines().next().filter(|role| status == StatusCode::OK && !role.is_empty()) else {
        return Ok(None);
    };
    match get(&format!("{ROLES}{role}")).await? {
        (StatusCode::OK, json) => document::read(&json, "the machine's metadata service").map(Some),
        (status, _) => Err(machine(&format!("it answered {status}"))),
    }
}

fn request(method: Method, url: Uri) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = url;
    request
}

fn refused(why: &str) -> BackendError {
    BackendError::credentials(format!("the container's endpoint for AWS credentials is of no use: {why}"))
}

fn machine(why: &str) -> BackendError {
    BackendError::credentials(format!("the machine's metadata service is of no use: {why}"))
}
