//! What stays the same for as long as a conversation goes on, and the target that follows from it.

use sha2::{Digest, Sha256};

use super::Target;

/// The hash of what a conversation begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity([u8; 32]);

impl Affinity {
    /// Of these parts, each of which counts by itself: `["ab", "c"]` is not `["a", "bc"]`.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// A target's place in this conversation's order, the lowest first (weighted rendezvous hashing): each target's share
    /// of all conversations is its share of the weights, and one that is added or taken away moves no others.
    pub(super) fn place(&self, target: &Target) -> f64 {
        let model = target.model.as_deref().unwrap_or_default();
        let Self(drawn) = Self::of([&self.0, target.backend.as_bytes(), model.as_bytes()]);
        let [a, b, c, d, e, f, g, h, ..] = drawn;
        // 53 bits are all that a float holds: a number in (0, 1].
        let bits = u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> 11;
        let drawn = (bits + 1) as f64 / (1_u64 << 53) as f64;
        -drawn.ln() / f64::from(target.weight)
    }
}
