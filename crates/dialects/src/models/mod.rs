//! Which models there are, what they are called and what they refuse. The facts are data (`data/models.json`, dated);
//! a user's own table is merged over them.

mod capabilities;
mod date;
mod list;
mod rules;
mod table;
mod upstream;

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;

pub use date::Date;
pub use list::Page;
pub use rules::{Rules, Sampling, Thinking};
pub use table::{Model, Offer, Table, plain_id};
pub use upstream::Listing;

static EMBEDDED: LazyLock<Table> =
    LazyLock::new(|| Table::from_json(include_str!("../../data/models.json")).unwrap_or_default());

/// The table this build carries.
#[must_use]
pub fn embedded() -> &'static Table {
    &EMBEDDED
}

/// The model that serves this name: aliases and retired ids become today's id, anything else stays.
#[must_use]
pub fn resolve(name: &str) -> Cow<'_, str> {
    EMBEDDED.resolve(name)
}

/// The models of the embedded table, newest first.
#[must_use]
pub fn known() -> &'static [Model] {
    EMBEDDED.models()
}

/// What this model takes.
#[must_use]
pub fn rules(model: &str) -> Rules {
    EMBEDDED.rules(model)
}

/// `GET /v1/models` in OpenAI's shape.
#[must_use]
pub fn list_openai() -> Bytes {
    EMBEDDED.list_openai()
}

/// `GET /v1/models` in Anthropic's shape.
#[must_use]
pub fn list_anthropic(page: &Page<'_>) -> Bytes {
    EMBEDDED.list_anthropic(page)
}

/// `GET /v1/models/{id}` in OpenAI's shape.
#[must_use]
pub fn get_openai(id: &str) -> Option<Bytes> {
    EMBEDDED.get_openai(id)
}

/// `GET /v1/models/{id}` in Anthropic's shape.
#[must_use]
pub fn get_anthropic(id: &str) -> Option<Bytes> {
    EMBEDDED.get_anthropic(id)
}
