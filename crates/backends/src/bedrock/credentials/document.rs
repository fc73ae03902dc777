//! The document in which endpoints of a machine or container give temporary credentials.

use serde::Deserialize;

use super::Authorization;
use crate::BackendError;
use crate::renewed::Expiring;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads it; `from` names where it is from.
pub(super) fn read(json: &[u8], from: &str) -> Result<Expiring<Authorization>, BackendError> {
    // The parser's own words may quote a value.
    let unreadable = || BackendError::credentials(format!("the credentials from {from} cannot be read"));
    let document: Document = serde_json::from_slice(json).map_err(|_| unreadable())?;
    let until =
        document.expiration.as_deref().map(humantime::parse_rfc3339).transpose().map_err(|_| unreadable())?;
    let value = Authorization::Key {
        id: document.access_key_id,
        secret: document.secret_access_key,
        session_token: document.token,
    };
    Ok(Expiring { value, until })
}
