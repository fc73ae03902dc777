//! What a request goes on from: the conversation before it, and items that it names by their ids alone.

use bytes::{Bytes, BytesMut};
use dialects::openai_responses::Peek;
use messages::ApiError;
use store::Item;

use super::Responses;

/// What was found, as the dialect takes it.
#[derive(Default)]
pub(super) struct Found {
    /// One JSON array of items, oldest first; none without `previous_response_id`.
    pub(super) conversation: Vec<Bytes>,
    /// The items that were named and are there.
    pub(super) referenced: Vec<Bytes>,
}

impl Responses {
    /// Looks up what `peek` names, among what belongs to `owner`.
    pub(super) async fn earlier(&self, owner: &str, peek: &Peek) -> Result<Found, ApiError> {
        let mut found = Found::default();
        if let Some(id) = &peek.previous_response_id {
            found.conversation.push(self.conversation(owner, id).await?);
        }
        if let Some(store) = self.store().filter(|_| !peek.references.is_empty()) {
            let items = store.items(owner, peek.references.clone()).await;
            let items = items.map_err(|error| self.broken(&error))?;
            found.referenced = items.into_iter().flatten().collect();
        }
        Ok(found)
    }

    async fn conversation(&self, owner: &str, id: &str) -> Result<Bytes, ApiError> {
        let missing = |text: &str| {
            ApiError::invalid("previous_response_id", text).with_code("previous_response_not_found")
        };
        let Some(store) = self.store() else {
            return Err(missing(
                "no responses are kept here (`openai.store` is false): send the conversation itself",
            ));
        };
        let told = store.conversation(owner, id).await.map_err(|error| self.broken(&error))?;
        let Some(told) = told else {
            return Err(missing(
                "there is no such response, or one that it goes on from has been deleted or forgotten",
            ));
        };
        if !told.status.has_ended() {
            let text = format!("this response is still {}", told.status.as_str());
            return Err(ApiError::invalid("previous_response_id", text));
        }
        Ok(array(&told.items))
    }
}

/// The items as one JSON array.
pub(crate) fn array(items: &[Item]) -> Bytes {
    let mut out = BytesMut::with_capacity(items.iter().map(|item| item.json.len() + 1).sum::<usize>() + 2);
    out.extend_from_slice(b"[");
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b",");
        }
        out.extend_from_slice(&item.json);
    }
    out.extend_from_slice(b"]");
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_become_one_array_as_they_are() {
        let item = |json: &'static str| Item { id: String::new(), json: Bytes::from_static(json.as_bytes()) };
        assert_eq!(&array(&[])[..], b"[]");
        assert_eq!(&array(&[item("{\"a\": 1}"), item("{}")])[..], b"[{\"a\": 1},{}]");
    }
}
