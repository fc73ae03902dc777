//! Standard base64, as strict as the API is with image data: padding needed, nothing foreign inside.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let six = (word >> (18 - 6 * position)) & 63;
            text.push(if position > chunk.len() { '=' } else { char::from(ALPHABET[six as usize]) });
        }
    }
    text
}

/// The bytes, or nothing when the text is not base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for quad in text[..text.len() - padding].chunks(4) {
        let mut word = 0u32;
        for byte in quad {
            word = word << 6 | u32::from(value(*byte)?);
        }
        word <<= 6 * (4 - quad.len());
        bytes.extend_from_slice(&word.to_be_bytes()[1..quad.len()]);
    }
    Some(bytes)
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn what_is_encoded_decodes_to_the_same_bytes() {
        for text in ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{ff}\u{0}\u{80}"] {
            assert_eq!(decode(&encode(text.as_bytes())).unwrap(), text.as_bytes());
        }
        assert_eq!(encode(b"foob"), "Zm9vYg==");
    }

    #[test]
    fn foreign_characters_and_missing_padding_are_refused() {
        for text in ["Zm9vYg", "Zm9v Yg=", "Zm9vYg=!", "====", "Zm=v"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
