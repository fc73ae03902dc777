//! The endpoints at which a machine or a container finds the credentials of its role.

use super::{ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN};
use crate::clock;
use crate::refusal::Refusal;
use hyper::{HeaderMap, Method};
use serde_json::json;

const CONTAINER: &str = "/container-credentials";
const TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const ROLE: &str = "/latest/meta-data/iam/security-credentials/simulated-role";
const SESSION: &str = "simulated-metadata-session";

pub(super) fn is_path(path: &str) -> bool {
    path == CONTAINER || path.starts_with("/latest/")
}

/// Nothing when the path is none of them.
pub(crate) fn answer(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    lifetime_seconds: u64,
) -> Option<Result<String, Refusal>> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let session = || header("x-aws-ec2-metadata-token") == Some(SESSION);
    let denied = || Err(Refusal::new(401, "UnauthorizedException", "Unauthorized"));
    let credentials = || {
        json!({
            "Code": "Success",
            "AccessKeyId": ROLE_ACCESS_KEY_ID,
            "SecretAccessKey": ROLE_SECRET_ACCESS_KEY,
            "Token": ROLE_SESSION_TOKEN,
            "Expiration": clock::rfc3339_in(lifetime_seconds),
        })
        .to_string()
    };
    Some(match (method, path) {
        (&Method::GET, CONTAINER) if header("authorization") == Some("simulated-container-token") => {
            Ok(credentials())
        }
        (&Method::PUT, TOKEN) if header("x-aws-ec2-metadata-token-ttl-seconds").is_some() => {
            Ok(SESSION.to_owned())
        }
        (&Method::GET, ROLES) if session() => Ok("simulated-role".to_owned()),
        (&Method::GET, ROLE) if session() => Ok(credentials()),
        _ if is_path(path) => denied(),
        _ => return None,
    })
}
