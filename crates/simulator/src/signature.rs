//! Signs thinking as the API does, so that a thinking block changed on its way back is noticed.
//!
//! Deterministic: the same text has the same signature in every simulator, which lets a conversation go on
//! across restarts.

use crate::base64;
use sha2::{Digest, Sha256};

const DOMAIN: &[u8] = b"claude-simulator thinking\0";

/// The signature of a thinking block with this text.
#[must_use]
pub fn sign(thinking: &str) -> String {
    base64::encode(&digest(thinking.as_bytes()))
}

/// The `data` of a redacted thinking block that hides this text.
#[must_use]
pub fn redact(hidden: &str) -> String {
    let mut bytes = digest(hidden.as_bytes())[..16].to_vec();
    bytes.extend_from_slice(hidden.as_bytes());
    base64::encode(&bytes)
}

/// Whether `data` came from [`redact`].
pub(crate) fn is_redacted(data: &str) -> bool {
    base64::decode(data)
        .and_then(|bytes| bytes.split_at_checked(16).map(|(tag, hidden)| digest(hidden)[..16] == *tag))
        .unwrap_or(false)
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(DOMAIN).chain_update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{is_redacted, redact, sign};

    #[test]
    fn a_signature_belongs_to_one_text() {
        assert_eq!(sign("a"), sign("a"));
        assert_ne!(sign("a"), sign("b"));
    }

    #[test]
    fn redacted_data_is_recognised_and_a_changed_one_is_not() {
        let data = redact("secret thought");
        assert!(is_redacted(&data));
        assert!(!is_redacted(&data.replace('A', "B").replacen('c', "d", 1)));
        assert!(!is_redacted("EmwKAhgBEgy3va3pzix"));
    }
}
