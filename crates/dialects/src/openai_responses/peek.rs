//! What the server must know of a request before it can be translated: what to look up, and how it will answer.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{self, Members, Text};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::openai::ROOT;

/// A request's outer wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The response that this one goes on from.
    pub previous_response_id: Option<String>,
    /// Whether the response is to be kept; `true` unless the request says otherwise.
    pub store: bool,
    /// Whether the caller will poll for the response.
    pub background: bool,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Ids of items that the input names without saying what they are: `item_reference`s, and reasoning without its
    /// `encrypted_content`. Those found go into [`super::Earlier::referenced`].
    pub references: Vec<String>,
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    id: Option<Text<'a>>,
    role: Option<IgnoredAny>,
    encrypted_content: Option<IgnoredAny>,
}

/// Reads the outer wishes of a request's body, cheaply; all else is [`super::translate`]'s to check.
pub fn peek(body: &[u8]) -> Result<Peek, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    let previous: Option<Text<'_>> = fields.optional("previous_response_id", &ROOT)?;
    Ok(Peek {
        previous_response_id: previous.map(|id| id.0.into_owned()).filter(|id| !id.is_empty()),
        store: fields.optional("store", &ROOT)?.unwrap_or(true),
        background: fields.optional("background", &ROOT)?.unwrap_or(false),
        stream: fields.optional("stream", &ROOT)?.unwrap_or(false),
        references: fields.take("input").map(references).unwrap_or_default(),
    })
}

fn references(input: &RawValue) -> Vec<String> {
    let items: Vec<&RawValue> = serde_json::from_str(input.get()).unwrap_or_default();
    let outline = |item: &RawValue| serde_json::from_str::<Outline<'_>>(item.get()).ok()?.reference();
    items.into_iter().filter_map(outline).collect()
}

impl Outline<'_> {
    fn reference(self) -> Option<String> {
        let names_another = match self.kind.as_ref().map(|kind| &*kind.0) {
            Some("item_reference") => true,
            Some("reasoning") => self.encrypted_content.is_none(),
            Some(_) => false,
            None => self.role.is_none(),
        };
        self.id.filter(|_| names_another).map(|Text(id)| Cow::into_owned(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_looked_up_is_named() {
        let body = br#"{"previous_response_id":"resp_1","stream":true,"store":false,"input":[
            {"type":"item_reference","id":"msg_1"},{"id":"fc_1"},{"role":"user","id":"x","content":"hi"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":null},
            {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"e"},7]}"#;
        let expected = Peek {
            previous_response_id: Some("resp_1".into()),
            store: false,
            background: false,
            stream: true,
            references: vec!["msg_1".into(), "fc_1".into(), "rs_1".into()],
        };
        assert_eq!(peek(body).unwrap(), expected);
        assert!(peek(br#"{"input":"hi"}"#).unwrap().store);
        assert_eq!(peek(br#"{"store":"no"}"#).unwrap_err().path.as_deref(), Some("store"));
    }
}
