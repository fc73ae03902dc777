//! The SHA-256 of a key. Keys have 256 random bits, so a slow password hash would protect nothing more.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

const PREFIX: &str = "sha256:";

/// What is kept of a key. Written as `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key as a caller presents it.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Whether a presented key is the one, in constant time.
    pub fn matches(&self, presented: &str) -> bool {
        self.same(&Self::of(presented)).into()
    }

    /// Compares without telling by its duration how much is equal.
    pub fn same(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// The first 32 bits in hex: enough to tell keys apart in a log, too little to search a key by.
    pub(super) fn short(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The text is no `sha256:` and 64 hex digits. It is not repeated: it may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key hash: expected `sha256:` and 64 hexadecimal digits")]
pub struct HashError;

impl FromStr for KeyHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(HashError)?.as_bytes();
        let mut hash = [0_u8; 32];
        if digits.len() != 2 * hash.len() {
            return Err(HashError);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

fn digit(character: u8) -> Result<u8, HashError> {
    char::from(character).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(HashError)
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({}…)", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_sha256sum_prints() {
        let hash = KeyHash::of("hello");
        let text = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().replace("SHA256", "sha256").parse(), Ok(hash));
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for text in ["my-secret", "sha256:", "sha256:12", &format!("sha256:{}", "g".repeat(64))] {
            let error = text.parse::<KeyHash>().unwrap_err().to_string();
            assert!(!error.contains("my-secret"), "{error}");
        }
    }
}
