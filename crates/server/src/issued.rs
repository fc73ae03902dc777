//! Keys that are made, revoked and rotated while the server runs: by its admin API and by the command line beside it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use policy::access::Gate;
use policy::config::Secret;
use policy::keys::{IssuedKey, KeyHash, Terms, generate};
use serde_json::{Value, json};
use store::{KeyStore, NewKey, StoreError, StoredKey};
use tokio::sync::Mutex;

use crate::live::Live;

/// How soon a change by another program is noticed.
const POLL: Duration = Duration::from_millis(250);
const LONGEST_NAME: usize = 100;

/// Why a key could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// What was asked for can't be.
    #[error("{field}: {text}")]
    Wrong {
        /// The field.
        field: String,
        /// What is wrong with it.
        text: String,
    },
    /// There is no such key, or it was revoked.
    #[error("there is no key of this id or name that was not revoked")]
    Unknown,
    /// The store failed.
    #[error("the store of keys failed: {0}")]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error("{0}")]
    Random(#[from] policy::keys::GenerateError),
}

/// A key to make.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// When it ends, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Its limits.
    pub terms: Terms,
}

/// A key that was just made or rotated: the only moment at which it can be shown.
#[derive(Debug)]
pub struct Fresh {
    /// The key itself.
    pub key: Secret,
    /// What is kept of it.
    pub stored: StoredKey,
}

/// Makes a key.
///
/// # Errors
/// When a field of it can't be meant, its name is taken, or the store fails.
pub async fn create(store: &dyn KeyStore, wanted: Wanted) -> Result<Fresh, KeyError> {
    let wrong = |field: &str, text: &str| KeyError::Wrong { field: field.to_owned(), text: text.to_owned() };
    let Wanted { name, expires_at, terms } = wanted;
    let now = unix_now();
    if name.trim().is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(wrong("name", "expected 1 to 100 characters"));
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Err(wrong("expires_at", "is in the past"));
    }
    terms.check().map_err(|error| wrong(&format!("limits.{}", error.field), error.text))?;
    let (key, hash) = generate()?;
    let id = format!("key_{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
    let terms = serde_json::to_string(&terms).map_err(|error| wrong("limits", &error.to_string()))?;
    let hash = hash.to_string();
    let stored = StoredKey {
        id: id.clone(),
        name: name.clone(),
        terms: terms.clone(),
        created: now,
        expires: expires_at,
        revoked: None,
        hashes: vec![(hash.clone(), None)],
    };
    let new = NewKey { id, name, terms, created: now, expires: expires_at, hash };
    if store.create(new).await? {
        Ok(Fresh { key, stored })
    } else {
        Err(wrong("name", "another key has it"))
    }
}

/// Makes another key in the place of this one, which works on for `grace`.
///
/// # Errors
/// When there is no such key, or the store fails.
pub async fn rotate(store: &dyn KeyStore, which: &str, grace: Duration) -> Result<Fresh, KeyError> {
    let (key, hash) = generate()?;
    let until = unix_now().saturating_add(grace.as_secs());
    let stored = store.rotate(which, hash.to_string(), until).await?.ok_or(KeyError::Unknown)?;
    Ok(Fresh { key, stored })
}

/// Takes a key back.
///
/// # Errors
/// When there is no such key, or the store fails.
pub async fn revoke(store: &dyn KeyStore, which: &str) -> Result<StoredKey, KeyError> {
    store.revoke(which, unix_now()).await?.ok_or(KeyError::Unknown)
}

/// A key as it is shown: neither itself nor its hash.
#[must_use]
pub fn shown(key: &StoredKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "state": state(key),
        "created_at": rfc3339(key.created),
        "expires_at": key.expires.map(rfc3339),
        "revoked_at": key.revoked.map(rfc3339),
        "limits": terms(key).unwrap_or_default(),
    })
}

/// The same with the key itself, once.
#[must_use]
pub fn shown_once(fresh: &Fresh) -> Value {
    let mut shown = shown(&fresh.stored);
    shown["key"] = fresh.key.expose().into();
    shown
}

/// Whether a key opens: `live`, `expired` or `revoked`.
#[must_use]
pub fn state(key: &StoredKey) -> &'static str {
    match key {
        StoredKey { revoked: Some(_), .. } => "revoked",
        StoredKey { expires: Some(at), .. } if *at <= unix_now() => "expired",
        _ => "live",
    }
}

fn terms(key: &StoredKey) -> Option<Terms> {
    serde_json::from_str(&key.terms).ok()
}

/// As the gate knows it. A key whose limits can't be read opens nothing: it would open everything.
fn opened(key: StoredKey) -> Option<IssuedKey> {
    let Some(terms) = terms(&key) else {
        tracing::error!(key = key.id, "the limits of this key can't be read: it does not open");
        return None;
    };
    let hashes = key.hashes.iter().filter_map(|(hash, until)| Some((hash.parse::<KeyHash>().ok()?, *until)));
    let hashes = hashes.collect();
    let (expires_at, revoked) = (key.expires, key.revoked.is_some());
    Some(IssuedKey { id: key.id, name: key.name, terms, expires_at, revoked, hashes })
}

/// The issued keys of a running server.
pub(crate) struct Issued {
    store: Option<Arc<dyn KeyStore>>,
    /// Held while a gate is told of a change, so that an older list never replaces a newer.
    telling: Mutex<()>,
}

impl Issued {
    pub(crate) fn new(store: Option<Arc<dyn KeyStore>>) -> Self {
        Self { store, telling: Mutex::default() }
    }

    pub(crate) fn store(&self) -> Option<&Arc<dyn KeyStore>> {
        self.store.as_ref()
    }

    /// Tells the gate of what has changed since it was told last, if anything has.
    pub(crate) async fn refresh(&self, gate: &Gate) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let _telling = self.telling.lock().await;
        let change = store.version().await?;
        if gate.change() != Some(change) {
            // A change after the number was read is seen twice rather than not at all.
            let keys = store.list().await?;
            if !keys.is_empty() {
                // One that can't be read was issued all the same.
                gate.ask_everybody();
            }
            gate.issue(keys.into_iter().filter_map(opened).collect(), change);
        }
        Ok(())
    }
}

/// Keeps the gate in force current until the server stops. The last known keys hold while the store fails.
pub(crate) async fn watch(live: Live) {
    let mut failing = false;
    loop {
        tokio::time::sleep(POLL).await;
        let refreshed = live.know_issued_keys().await;
        match &refreshed {
            Err(error) if !failing => {
                tracing::error!(%error, "changes of keys by other programs are not noticed");
            }
            Ok(()) if failing => tracing::info!("changes of keys are noticed again"),
            _ => {}
        }
        failing = refreshed.is_err();
    }
}

fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

fn rfc3339(seconds: u64) -> String {
    // Beyond the year 9999 there is no such notation.
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799));
    humantime::format_rfc3339_seconds(at).to_string()
}
