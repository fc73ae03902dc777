//! A fault with its place, which grows outwards: `text` → `content.0.text` → `messages.2.content.0.text`.

use crate::refusal::Refusal;

#[derive(Debug)]
pub(super) struct Flaw {
    path: String,
    message: String,
}

impl Flaw {
    /// A fault of a member.
    pub(super) fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// A fault of the value itself.
    pub(super) fn here(message: impl Into<String>) -> Self {
        Self::at("", message)
    }

    /// The same fault seen from one step further out.
    pub(super) fn within(mut self, outer: impl std::fmt::Display) -> Self {
        self.path = if self.path.is_empty() { outer.to_string() } else { format!("{outer}.{}", self.path) };
        self
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        if flaw.path.is_empty() { Self::invalid(flaw.message) } else { Self::at(flaw.path, flaw.message) }
    }
}
