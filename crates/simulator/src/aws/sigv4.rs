//! Whether a signature (Signature Version 4) is right: made again from the request as it arrived, with the known secret.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use super::{
    ACCESS_KEY_ID, REGION, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN, SECRET_ACCESS_KEY,
};
use crate::clock;
use crate::refusal::Refusal;
use aws_lc_rs::{digest, hmac};
use hyper::{HeaderMap, Method};

const SERVICE: &str = "bedrock";
/// How far the clocks may be apart.
const SKEW_SECONDS: u64 = 300;
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
    Secret Access Key and signing method. Consult the service documentation for details.";

/// What a signature is about.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    /// As it was sent.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

struct Authorization<'a> {
    key: &'a str,
    date: &'a str,
    scope: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

pub(super) fn verify(request: &Signed<'_>, authorization: &str) -> Result<(), Refusal> {
    let given = read(authorization).ok_or_else(|| {
        Refusal::new(
            400,
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        )
    })?;
    let token = text(request.headers, "x-amz-security-token");
    let secret = match (given.key, token) {
        (ACCESS_KEY_ID, None) => SECRET_ACCESS_KEY,
        (ROLE_ACCESS_KEY_ID, Some(ROLE_SESSION_TOKEN)) => ROLE_SECRET_ACCESS_KEY,
        _ => {
            let message = "The security token included in the request is invalid.";
            return Err(Refusal::new(403, "UnrecognizedClientException", message));
        }
    };
    if given.scope != format!("{}/{REGION}/{SERVICE}/aws4_request", given.date) {
        return Err(wrong(format!("Credential should be scoped to a valid region, not '{}'.", given.scope)));
    }
    let time = text(request.headers, "x-amz-date").filter(|time| time.starts_with(given.date));
    let time = time.ok_or_else(|| wrong("Date in Credential scope does not match x-amz-date.".to_owned()))?;
    let now = clock::unix_ms() as u64 / 1000;
    if !(now - SKEW_SECONDS..=now + SKEW_SECONDS).any(|second| clock::basic(second) == time) {
        return Err(wrong(format!(
            "Signature expired: {time} is not within 5 minutes of {}",
            clock::basic(now)
        )));
    }
    all_that_must_be_signed(request.headers, &given.signed_headers)?;
    let payload = hex(digest::digest(&digest::SHA256, request.body).as_ref());
    if text(request.headers, "x-amz-content-sha256").is_some_and(|told| told != payload) {
        return Err(wrong(
            "The provided 'x-amz-content-sha256' header does not match what was computed.".to_owned(),
        ));
    }
    let canonical = canonical(request, &given.signed_headers, &payload)?;
    let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{}\n{canonical}", given.scope);
    let day = mac(format!("AWS4{secret}").as_bytes(), given.date);
    let key = mac(mac(mac(day.as_ref(), REGION).as_ref(), SERVICE).as_ref(), "aws4_request");
    if hex(mac(key.as_ref(), &to_sign).as_ref()) == given.signature {
        Ok(())
    } else {
        Err(wrong(MISMATCH.to_owned()))
    }
}

fn read(authorization: &str) -> Option<Authorization<'_>> {
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field =
        |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let (key, scope) = field("Credential")?.split_once('/')?;
    let date = scope.split('/').next()?;
    let signed_headers = field("SignedHeaders")?.split(';').collect();
    Some(Authorization { key, date, scope, signed_headers, signature: field("Signature")? })
}

fn all_that_must_be_signed(headers: &HeaderMap, signed: &[&str]) -> Result<(), Refusal> {
    let must = |name: &&str| *name == "host" || name.starts_with("x-amz-");
    match headers
        .keys()
        .map(hyper::header::HeaderName::as_str)
        .filter(must)
        .find(|name| !signed.contains(name))
    {
        Some(name) => Err(wrong(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))),
        None => Ok(()),
    }
}

fn canonical(request: &Signed<'_>, signed: &[&str], payload: &str) -> Result<String, Refusal> {
    let mut text_of_all = String::new();
    for name in signed {
        let values: Vec<_> =
            request.headers.get_all(*name).iter().filter_map(|value| value.to_str().ok()).collect();
        if values.is_empty() {
            return Err(wrong(format!("'{name}' is signed but was not sent.")));
        }
        let trimmed: Vec<_> =
            values.iter().map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        text_of_all.push_str(&format!("{name}:{}\n", trimmed.join(",")));
    }
    let mut query: Vec<&str> = request.query.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let path = encoded(request.path);
    Ok(format!(
        "{}\n{path}\n{}\n{text_of_all}\n{}\n{payload}",
        request.method,
        query.join("&"),
        signed.join(";")
    ))
}

/// The path encoded once more, as it is for every service but S3.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn wrong(message: String) -> Refusal {
    Refusal::new(403, "InvalidSignatureException", message)
}
