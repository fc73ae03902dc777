//! The service account's key, made when it is first asked for, and the check of what is signed with it.

use super::{CLIENT_EMAIL, PROJECT};
use crate::base64;
use crate::clock;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::json;
use std::sync::OnceLock;

const KEY_ID: &str = "simulated-key";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The key pair of the only service account.
#[derive(Default)]
pub(crate) struct Key(OnceLock<Option<KeyPair>>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: u64,
    exp: u64,
}

impl Key {
    fn pair(&self) -> Option<&KeyPair> {
        self.0.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).ok()).as_ref()
    }

    /// A service account's credentials file whose token endpoint is this.
    pub(crate) fn file(&self, token_uri: &str) -> String {
        let der = self.pair().and_then(|pair| AsDer::as_der(pair).ok());
        let der: &[u8] = der.as_ref().map_or(&[], |der: &aws_lc_rs::encoding::Pkcs8V1Der<'_>| der.as_ref());
        let lines: Vec<_> = base64::encode(der)
            .into_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
            "client_email": CLIENT_EMAIL,
            "client_id": "123456789012345678901",
            "token_uri": token_uri,
        })
        .to_string()
    }

    /// What is wrong with an assertion, in Google's words.
    pub(crate) fn verify(&self, assertion: &str, audience: &str) -> Result<(), &'static str> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or("Invalid JWT: three parts are needed.")?;
        let (header, claims) = signed.split_once('.').ok_or("Invalid JWT: three parts are needed.")?;
        let header: Header = part(header).ok_or("Invalid JWT header.")?;
        if (header.alg.as_str(), header.kid.as_deref()) != ("RS256", Some(KEY_ID)) {
            return Err("Invalid JWT: unknown algorithm or key.");
        }
        let key = self.pair().ok_or("There is no key.")?.public_key();
        let signature = url_safe(signature).ok_or("Invalid JWT Signature.")?;
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref());
        public.verify(signed.as_bytes(), &signature).map_err(|_| "Invalid JWT Signature.")?;
        let claims: Claims = part(claims).ok_or("Invalid JWT claims.")?;
        let now = clock::unix_ms() as u64 / 1000;
        match claims {
            _ if claims.iss != CLIENT_EMAIL => Err("Invalid JWT: unknown issuer."),
            _ if claims.aud != audience => Err("Invalid JWT: Failed audience check."),
            _ if claims.scope != SCOPE => Err("Invalid OAuth scope or ID token audience provided."),
            _ if claims.exp <= now || claims.exp > claims.iat + 3600 || claims.iat > now + 60 => Err(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            ),
            _ => Ok(()),
        }
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&url_safe(text)?).ok()
}

/// Base64 in the alphabet for URLs, without padding.
fn url_safe(text: &str) -> Option<Vec<u8>> {
    if text.contains(['+', '/', '=']) {
        return None;
    }
    let mut standard = text.replace('-', "+").replace('_', "/");
    standard.push_str(&"="[..usize::from(!standard.len().is_multiple_of(4))]);
    if standard.len() % 4 == 3 {
        standard.push('=');
    }
    base64::decode(&standard)
}
