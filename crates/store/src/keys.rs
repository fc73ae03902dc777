//! The contract of a store of issued keys. Times are seconds since 1970; terms are JSON that the store does not look into.

use futures_core::future::BoxFuture;

use crate::StoreError;

/// A key to keep. The key itself is nowhere: only its hash.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Unique, and the same for the key's whole life.
    pub id: String,
    /// Unique among the keys that were not revoked.
    pub name: String,
    /// Its limits, as JSON.
    pub terms: String,
    /// When it was made.
    pub created: u64,
    /// When it ends.
    pub expires: Option<u64>,
    /// What opens it.
    pub hash: String,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its limits, as JSON.
    pub terms: String,
    /// When it was made.
    pub created: u64,
    /// When it ends.
    pub expires: Option<u64>,
    /// When it was revoked.
    pub revoked: Option<u64>,
    /// What opens it, and until when; without an end until the key's own.
    pub hashes: Vec<(String, Option<u64>)>,
}

/// Keeps keys. What a call acknowledged is there after the process was killed.
pub trait KeyStore: Send + Sync {
    /// Keeps a key. `false` when another one has its name.
    fn create(&self, new: NewKey) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// All keys, oldest first, revoked ones too.
    fn list(&self) -> BoxFuture<'_, Result<Vec<StoredKey>, StoreError>>;

    /// Revokes the key of this id or name. `None` when there is none that was not revoked.
    fn revoke(&self, which: &str, now: u64) -> BoxFuture<'_, Result<Option<StoredKey>, StoreError>>;

    /// Lets another hash open the key of this id or name; those before end at `until`. `None` as above.
    fn rotate(
        &self,
        which: &str,
        hash: String,
        until: u64,
    ) -> BoxFuture<'_, Result<Option<StoredKey>, StoreError>>;

    /// A number that rises with each change, whoever made it.
    fn version(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Waits for what was asked before, and takes no more.
    fn close(&self) -> BoxFuture<'_, ()>;
}
