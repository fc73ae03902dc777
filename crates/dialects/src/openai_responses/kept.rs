//! The items that a server found for a request's references, by their ids.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use messages::json::{Members, Text};
use serde::Deserialize;

use super::request::Item;

/// What is kept, by id.
pub(super) struct Kept<'a>(HashMap<Cow<'a, str>, &'a Bytes>);

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

impl<'a> Kept<'a> {
    pub(super) fn read(items: &'a [Bytes]) -> Self {
        let id = |item: &'a Bytes| Some((serde_json::from_slice::<Named<'a>>(item).ok()?.id.0, item));
        Self(items.iter().filter_map(id).collect())
    }

    /// The item as JSON.
    pub(super) fn json(&self, id: &str) -> Option<&'a Bytes> {
        self.0.get(id).copied()
    }

    /// The item as if it stood at `index` of the input.
    pub(super) fn item(&self, id: &str, index: usize) -> Option<Item<'a>> {
        let members: Members<'a> = serde_json::from_slice(self.json(id)?).ok()?;
        let at = crate::openai::ROOT.key("input");
        Item::read(members, Some(index), &at.index(index)).ok().filter(|item| item.kind != "item_reference")
    }
}
