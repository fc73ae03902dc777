//! `encrypted_content` of a reasoning item: a thinking block as it was, so that it comes back unchanged from a client
//! that keeps it. Nothing is secret in it, and the API itself checks the signature; the check sum finds damage.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{Path, Text};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::openai::base64;
use crate::openai::output::Block;

/// The form of what follows; another form gets another number.
const VERSION: u8 = 1;
const CHECK_BYTES: usize = 8;

/// What the API wants to see again of a thinking block.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Sealed<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Opened<'a> {
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    signature: Option<Text<'a>>,
    data: Option<Text<'a>>,
}

impl Sealed<'_> {
    /// Base64 of version, check sum and the block's members as JSON.
    pub(super) fn seal(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = Vec::with_capacity(1 + CHECK_BYTES + json.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&check_sum(&json));
        bytes.extend_from_slice(&json);
        base64::encode(&bytes)
    }
}

/// The thinking block that was sealed.
pub(super) fn open(sealed: &str, at: &Path<'_>) -> Result<Block<'static>, ApiError> {
    block(sealed).ok_or_else(|| at.invalid("is damaged, or not from this API; leave the reasoning item out"))
}

fn block(sealed: &str) -> Option<Block<'static>> {
    if !base64::is_base64(sealed.as_bytes()) {
        return None;
    }
    let bytes = base64::decode(sealed.as_bytes());
    let (head, json) = bytes.split_at_checked(1 + CHECK_BYTES)?;
    let (version, check) = head.split_first()?;
    if *version != VERSION || *check != check_sum(json) {
        return None;
    }
    let opened: Opened<'_> = serde_json::from_slice(json).ok()?;
    let owned = |text: Text<'_>| Cow::Owned(text.0.into_owned());
    if let Some(data) = opened.data {
        return Some(Block::RedactedThinking { data: owned(data) });
    }
    Some(Block::Thinking {
        thinking: opened.thinking.map(owned).unwrap_or_default(),
        signature: owned(opened.signature?),
    })
}

fn check_sum(json: &[u8]) -> [u8; CHECK_BYTES] {
    let mut sum = [0; CHECK_BYTES];
    sum.iter_mut().zip(Sha256::digest(json)).for_each(|(to, from)| *to = from);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinking<'a>(thinking: &'a str, signature: &'a str) -> Sealed<'a> {
        Sealed { thinking: Some(thinking.into()), signature: Some(signature.into()), data: None }
    }

    #[test]
    fn what_was_sealed_opens_to_the_same_block() {
        let sealed = thinking("hm — \"so\"\n\u{2028}", "c2ln+/=").seal();
        let Block::Thinking { thinking, signature } = open(&sealed, &Path::Root).unwrap() else { panic!() };
        assert_eq!((&*thinking, &*signature), ("hm — \"so\"\n\u{2028}", "c2ln+/="));
        let sealed = Sealed { thinking: None, signature: None, data: Some("enc==".into()) }.seal();
        assert!(
            matches!(open(&sealed, &Path::Root), Ok(Block::RedactedThinking { data }) if data == "enc==")
        );
    }

    #[test]
    fn every_damage_is_found_and_named_by_its_path() {
        let sealed = thinking("so", "c2ln").seal();
        let at = Path::Root.key("encrypted_content");
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone().into_bytes();
            damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            // The last digits of base64 may hold bits that no byte uses.
            let same_bytes = base64::decode(damaged.as_bytes()) == base64::decode(sealed.as_bytes());
            assert!(same_bytes || open(&damaged, &at).is_err(), "{place}");
            assert!(open(&sealed[..place], &at).is_err());
        }
        let error = open("gAAAAABo", &at).unwrap_err();
        assert_eq!((error.status, error.path.as_deref()), (400, Some("encrypted_content")));
    }
}
