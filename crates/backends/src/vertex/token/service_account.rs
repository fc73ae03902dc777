//! A service account proves itself with a signed statement (JWT, RS256) and gets a token for it.
//! <https://developers.google.com/identity/protocols/oauth2/service-account>

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_core::future::BoxFuture;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::endpoint::post_form;
use super::file::ServiceAccount;
use super::{Fetched, SCOPE, Token};
use crate::renewed::Source;
use crate::{BackendError, HttpClient};

/// The longest that Google takes.
const LIFETIME_SECONDS: u64 = 3600;

/// A service account with its key.
pub(super) struct Signer {
    account: ServiceAccount,
    key: KeyPair,
    client: HttpClient,
}

impl Signer {
    /// Reads the key; why it is none is told without it.
    pub(super) fn new(mut account: ServiceAccount, client: HttpClient) -> Result<Self, String> {
        let pem = std::mem::take(&mut account.private_key);
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| "its `private_key` is not PKCS #8 in PEM".to_owned())?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map_err(|_| "its `private_key` is no RSA key".to_owned())?;
        Ok(Self { account, key, client })
    }

    fn assertion(&self, now: u64) -> Option<String> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.account.private_key_id});
        let claims = json!({
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        });
        let coded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let statement = format!("{}.{}", coded(header), coded(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), statement.as_bytes(), &mut signature).ok()?;
        Some(format!("{statement}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Source<Token> for Signer {
    fn fetch(&self) -> BoxFuture<'_, Fetched> {
        Box::pin(async move {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let unsigned = || BackendError::credentials("the service account's key does not sign".into());
            let assertion = self.assertion(now).ok_or_else(unsigned)?;
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", assertion.as_str()),
            ];
            post_form(&self.client, &self.account.token_uri, &form).await
        })
    }
}
