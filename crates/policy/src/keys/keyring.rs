//! The keys that open this server, by their hashes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use subtle::{Choice, ConditionallySelectable};

use super::{KeyHash, Terms};
use crate::config::REDACTED;

/// A key as configured: its hash, the name that the operator gave it, and what its holder may do.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfiguredKey {
    /// Shown in logs and usage instead of the id.
    pub name: Option<String>,
    /// What the caller's key must hash to.
    pub hash: KeyHash,
    /// Its limits.
    pub terms: Terms,
}

impl ConfiguredKey {
    /// A key without a name.
    pub fn unnamed(hash: KeyHash) -> Self {
        Self { name: None, hash, terms: Terms::default() }
    }
}

/// Shows the name and the limits only: a key that the operator thought up could be found from its hash.
impl Serialize for ConfiguredKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(name) = &self.name else { return serializer.serialize_str(REDACTED) };
        let limited = self.terms != Terms::default();
        let mut shown = serializer.serialize_struct("key", if limited { 3 } else { 2 })?;
        shown.serialize_field("name", name)?;
        shown.serialize_field("key", REDACTED)?;
        if limited {
            shown.serialize_field("limits", &self.terms)?;
        }
        shown.end()
    }
}

/// A key that was made while the server ran, with all that opens it. Times are seconds since 1970.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// Stays the same when the key is rotated.
    pub id: String,
    /// Shown in logs and usage.
    pub name: String,
    /// Its limits.
    pub terms: Terms,
    /// When it ends.
    pub expires_at: Option<u64>,
    /// Whether it was taken back.
    pub revoked: bool,
    /// What a caller's key must hash to, and until when: a key that was rotated may work on for a while.
    pub hashes: Vec<(KeyHash, Option<u64>)>,
}

/// Which key a caller showed, and what its holder may do. The id of a configured key follows from the key alone, so it
/// stays the same when keys are reordered, renamed or added; it is safe to log.
#[derive(Clone, Debug)]
pub struct KeyId {
    id: Arc<str>,
    name: Option<Arc<str>>,
    terms: Arc<Terms>,
}

impl KeyId {
    fn of(key: &ConfiguredKey) -> Self {
        let id = format!("key_{}", key.hash.short());
        Self { id: id.into(), name: key.name.as_deref().map(Arc::from), terms: Arc::new(key.terms.clone()) }
    }

    /// `key_` and hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The operator's name for the key, if there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What its holder may do.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// The key is the same as long as its id is, whatever became of its terms.
impl PartialEq for KeyId {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for KeyId {}

impl Hash for KeyId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// The name if there is one, else the id.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or(&self.id))
    }
}

/// Why a known key does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Its time is up.
    Expired,
    /// It was taken back.
    Revoked,
    /// Another one took its place.
    Rotated,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: KeyHash,
    id: KeyId,
    revoked: bool,
    expires_at: Option<u64>,
    rotated_at: Option<u64>,
}

impl Entry {
    fn over(&self, now: u64) -> Option<Over> {
        let passed = |at: Option<u64>| at.is_some_and(|at| at <= now);
        match self {
            Self { revoked: true, .. } => Some(Over::Revoked),
            _ if passed(self.expires_at) => Some(Over::Expired),
            _ if passed(self.rotated_at) => Some(Over::Rotated),
            _ => None,
        }
    }
}

/// All keys that open this server, or did.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    entries: Vec<Entry>,
}

impl Keyring {
    /// A ring of the given keys.
    pub fn new(keys: impl IntoIterator<Item = ConfiguredKey>) -> Self {
        let entry = |key: ConfiguredKey| Entry {
            hash: key.hash,
            id: KeyId::of(&key),
            revoked: false,
            expires_at: None,
            rotated_at: None,
        };
        Self { entries: keys.into_iter().map(entry).collect() }
    }

    /// The same ring with these keys on it too.
    #[must_use]
    pub fn with(mut self, issued: impl IntoIterator<Item = IssuedKey>) -> Self {
        for IssuedKey { id, name, terms, expires_at, revoked, hashes } in issued {
            let id = KeyId { id: id.into(), name: Some(name.into()), terms: Arc::new(terms) };
            self.entries.extend(hashes.into_iter().map(|(hash, rotated_at)| {
                let id = id.clone();
                Entry { hash, id, revoked, expires_at, rotated_at }
            }));
        }
        self
    }

    /// Whether no key opens this server.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The key that a caller presented, and why it does not open, if so. All keys are compared, always, and in constant
    /// time.
    pub fn identify(&self, presented: &str, now: u64) -> Option<(&KeyId, Option<Over>)> {
        let presented = KeyHash::of(presented);
        let mut found = Choice::from(0);
        let mut position = 0_u64;
        for (index, entry) in (0_u64..).zip(&self.entries) {
            let same = entry.hash.same(&presented);
            position.conditional_assign(&index, same);
            found |= same;
        }
        if !bool::from(found) {
            return None;
        }
        let entry = usize::try_from(position).ok().and_then(|position| self.entries.get(position))?;
        Some((&entry.id, entry.over(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, key: &str) -> ConfiguredKey {
        ConfiguredKey { name: Some(name.to_owned()), ..ConfiguredKey::unnamed(KeyHash::of(key)) }
    }

    #[test]
    fn each_key_is_told_from_the_others() {
        let ring = Keyring::new([named("anna", "one"), named("ben", "two"), named("eve", "three")]);
        let who = ["two", "one", "three"].map(|key| ring.identify(key, 0).and_then(|(id, _)| id.name()));
        assert_eq!(who, ["ben", "anna", "eve"].map(Some));
    }

    #[test]
    fn no_other_text_opens_the_ring() {
        let ring = Keyring::new([named("anna", "one")]);
        let hash = KeyHash::of("one").to_string();
        for key in ["", "on", "one ", "ONE", hash.as_str()] {
            assert!(ring.identify(key, 0).is_none(), "{key:?}");
        }
        assert!(Keyring::default().identify("", 0).is_none());
    }

    #[test]
    fn an_id_survives_renaming_and_reordering() {
        let before = Keyring::new([named("anna", "one"), named("ben", "two")]);
        let after = Keyring::new([ConfiguredKey::unnamed(KeyHash::of("two"))]);
        let id = |ring: &Keyring| ring.identify("two", 0).map(|(key, _)| key.id().to_owned());
        assert_eq!(id(&before), id(&after));
    }

    #[test]
    fn neither_key_nor_hash_is_shown() {
        let shown =
            serde_json::to_string(&[named("anna", "one"), ConfiguredKey::unnamed(KeyHash::of("two"))]);
        assert_eq!(shown.unwrap(), r#"[{"name":"anna","key":"***"},"***"]"#);
    }

    #[test]
    fn a_key_that_is_over_is_known_and_does_not_open() {
        let issued = |revoked, expires_at| IssuedKey {
            id: "key_1".into(),
            name: "eve".into(),
            terms: Terms::default(),
            expires_at,
            revoked,
            hashes: vec![(KeyHash::of("old"), Some(50)), (KeyHash::of("new"), None)],
        };
        let ring = |revoked, expires_at| Keyring::default().with([issued(revoked, expires_at)]);
        let over = |ring: &Keyring, key, now| ring.identify(key, now).map(|(_, over)| over);
        let live = ring(false, Some(100));
        assert_eq!((over(&live, "old", 49), over(&live, "old", 50)), (Some(None), Some(Some(Over::Rotated))));
        assert_eq!(
            (over(&live, "new", 99), over(&live, "new", 100)),
            (Some(None), Some(Some(Over::Expired)))
        );
        assert_eq!(over(&ring(true, None), "new", 0), Some(Some(Over::Revoked)));
        let id = |key| live.identify(key, 0).map(|(id, _)| id.clone());
        assert_eq!(id("old"), id("new"), "what belongs to a key stays its own when it is rotated");
    }
}
