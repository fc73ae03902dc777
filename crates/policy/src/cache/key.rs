//! A name for everything that an answer depends on.

use sha2::{Digest, Sha256};

/// The name of a request's answer: equal for two requests only when all that was put in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// Gathers what an answer depends on.
#[derive(Clone, Debug, Default)]
pub struct KeyHasher(Sha256);

impl KeyHasher {
    /// One more part. Parts can't run into each other: each is told with its length.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The name of what was put in.
    #[must_use]
    pub fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(parts: &[Vec<u8>]) -> Key {
        parts.iter().fold(KeyHasher::default(), |hasher, part| hasher.with(part)).key()
    }

    proptest! {
        #[test]
        fn only_the_same_parts_have_the_same_name(
            one in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..4),
            other in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..4),
        ) {
            prop_assert_eq!(key(&one) == key(&other), one == other);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(key(&[b"ab".to_vec(), b"c".to_vec()]), key(&[b"a".to_vec(), b"bc".to_vec()]));
    }
}
