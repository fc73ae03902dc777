//! New keys: `ccp_` and 256 bits from the operating system, in base 62.

use super::KeyHash;
use crate::config::Secret;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "ccp_";
/// 62^43 is the first power of 62 above 2^256: every key has this many digits.
const DIGITS: usize = 43;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes for a key: {0}")]
pub struct GenerateError(getrandom::Error);

/// A new key and its hash. Show the key once; keep the hash.
pub fn generate() -> Result<(Secret, KeyHash), GenerateError> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(GenerateError)?;
    let key = Secret::new(format!("{PREFIX}{}", base62(bits)));
    let hash = KeyHash::of(key.expose());
    Ok((key, hash))
}

/// The number in `bits` (most significant byte first), written in base 62 by repeated division.
fn base62(mut bits: [u8; 32]) -> String {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_usize;
        for byte in &mut bits {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = ALPHABET[rest];
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_prefix_and_43_digits_and_hashes_to_its_hash() {
        let (key, hash) = generate().unwrap();
        let digits = key.expose().strip_prefix("ccp_").unwrap();
        assert_eq!(digits.len(), 43);
        assert!(digits.bytes().all(|digit| digit.is_ascii_alphanumeric()));
        assert_eq!(KeyHash::of(key.expose()), hash);
    }

    #[test]
    fn no_two_keys_are_alike() {
        let keys: std::collections::BTreeSet<_> =
            (0..200).map(|_| generate().unwrap().0.expose().to_owned()).collect();
        assert_eq!(keys.len(), 200);
    }

    #[test]
    fn all_256_bits_are_kept() {
        let mut one = [0; 32];
        one[31] = 62;
        assert_eq!(base62(one), format!("{}10", "0".repeat(41)));
        assert_eq!(base62([0; 32]), "0".repeat(43));
        // 2^256 - 1, worked out apart from this code.
        assert_eq!(base62([255; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }
}
