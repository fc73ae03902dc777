//! The keys that open this server, by their hashes.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use subtle::{Choice, ConditionallySelectable};

use super::KeyHash;
use crate::config::REDACTED;

/// A key as configured: its hash, and the name that the operator gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredKey {
    /// Shown in logs and usage instead of the id.
    pub name: Option<String>,
    /// What the caller's key must hash to.
    pub hash: KeyHash,
}

impl ConfiguredKey {
    /// A key without a name.
    pub fn unnamed(hash: KeyHash) -> Self {
        Self { name: None, hash }
    }
}

/// Shows the name only: a key that the operator thought up could be found from its hash.
impl Serialize for ConfiguredKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(name) = &self.name else { return serializer.serialize_str(REDACTED) };
        let mut shown = serializer.serialize_struct("key", 2)?;
        shown.serialize_field("name", name)?;
        shown.serialize_field("key", REDACTED)?;
        shown.end()
    }
}

/// Which key a caller showed. The id follows from the key alone, so it stays the same when keys are
/// reordered, renamed or added; it is safe to log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId {
    id: Arc<str>,
    name: Option<Arc<str>>,
}

impl KeyId {
    fn of(key: &ConfiguredKey) -> Self {
        let id = format!("key_{}", key.hash.short());
        Self { id: id.into(), name: key.name.as_deref().map(Arc::from) }
    }

    /// `key_` and eight hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The operator's name for the key, if there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// The name if there is one, else the id.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or(&self.id))
    }
}

/// All keys that open this server.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<(KeyHash, KeyId)>,
}

impl Keyring {
    /// A ring of the given keys.
    pub fn new(keys: impl IntoIterator<Item = ConfiguredKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.hash, KeyId::of(&key))).collect() }
    }

    /// Whether no key opens this server.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key that a caller presented. All keys are compared, always, and in constant time.
    pub fn identify(&self, presented: &str) -> Option<&KeyId> {
        let presented = KeyHash::of(presented);
        let mut found = Choice::from(0);
        let mut position = 0_u64;
        for (index, (hash, _)) in (0_u64..).zip(&self.keys) {
            let same = hash.same(&presented);
            position.conditional_assign(&index, same);
            found |= same;
        }
        if !bool::from(found) {
            return None;
        }
        usize::try_from(position).ok().and_then(|position| self.keys.get(position)).map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, key: &str) -> ConfiguredKey {
        ConfiguredKey { name: Some(name.to_owned()), hash: KeyHash::of(key) }
    }

    #[test]
    fn each_key_is_told_from_the_others() {
        let ring = Keyring::new([named("anna", "one"), named("ben", "two"), named("eve", "three")]);
        let who = ["two", "one", "three"].map(|key| ring.identify(key).and_then(KeyId::name));
        assert_eq!(who, ["ben", "anna", "eve"].map(Some));
    }

    #[test]
    fn no_other_text_opens_the_ring() {
        let ring = Keyring::new([named("anna", "one")]);
        let hash = KeyHash::of("one").to_string();
        for key in ["", "on", "one ", "ONE", hash.as_str()] {
            assert_eq!(ring.identify(key), None, "{key:?}");
        }
        assert_eq!(Keyring::default().identify(""), None);
    }

    #[test]
    fn an_id_survives_renaming_and_reordering() {
        let before = Keyring::new([named("anna", "one"), named("ben", "two")]);
        let after = Keyring::new([ConfiguredKey::unnamed(KeyHash::of("two"))]);
        let id = |ring: &Keyring| ring.identify("two").map(|key| key.id().to_owned());
        assert_eq!(id(&before), id(&after));
    }

    #[test]
    fn neither_key_nor_hash_is_shown() {
        let shown =
            serde_json::to_string(&[named("anna", "one"), ConfiguredKey::unnamed(KeyHash::of("two"))]);
        assert_eq!(shown.unwrap(), r#"[{"name":"anna","key":"***"},"***"]"#);
    }
}
