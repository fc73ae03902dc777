//! Base64 in the standard alphabet with padding: what the API takes, and nothing looser.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether this is base64, padded and not empty.
pub(crate) fn is_base64(data: &[u8]) -> bool {
    let padding = data.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let digits = data.get(..data.len() - padding).unwrap_or_default();
    !digits.is_empty() && data.len().is_multiple_of(4) && digits.iter().all(|byte| digit(*byte).is_some())
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Decodes what [`is_base64`] has accepted.
pub(crate) fn decode(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for value in data.iter().filter_map(|byte| digit(*byte)) {
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}

/// The base64 of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for position in 0..4_usize {
            let value = bits >> (18 - 6 * position) & 0x3f;
            let letter = ALPHABET.get(value as usize).copied().unwrap_or(b'=');
            out.push(char::from(if position > group.len() { b'=' } else { letter }));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_the_same_bytes() {
        for (plain, coded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob\u{e9}", "Zm9vYsOp")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert!(is_base64(coded.as_bytes()));
            assert_eq!(decode(coded.as_bytes()), plain.as_bytes());
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&all).as_bytes()), all);
        assert!(!is_base64(b"") && !is_base64(b"Zg=") && !is_base64(b"Zg-_") && !is_base64(b"===="));
    }
}
