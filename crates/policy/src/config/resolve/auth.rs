//! The `auth` section.

use super::Resolver;
use crate::config::raw::{self, KeyEntry};
use crate::config::{Auth, Secret};
use crate::keys::{ConfiguredKey, KeyHash, Terms};

/// Shorter keys can be guessed from a hash, or by trying.
const SHORTEST_KEY: usize = 20;

impl Resolver<'_> {
    pub(super) fn auth(&mut self, raw: raw::Auth) -> Auth {
        let mut api_keys: Vec<ConfiguredKey> = Vec::new();
        for (index, entry) in raw.api_keys.unwrap_or_default().into_iter().enumerate() {
            let key = format!("auth.api_keys[{index}]");
            let Some(configured) = self.configured_key(&key, entry) else { continue };
            if api_keys.iter().any(|other| other.hash == configured.hash) {
                self.problem(&key, "the same key is listed twice");
            }
            api_keys.push(configured);
        }
        let open = raw.open.unwrap_or(false);
        if open {
            let text = "`auth.open` is on: anyone who can reach this server's port spends your account.";
            self.notices.push(text.to_owned());
        }
        Auth { api_keys, open }
    }

    fn configured_key(&mut self, key: &str, entry: KeyEntry) -> Option<ConfiguredKey> {
        let (name, typed, terms) = match entry {
            KeyEntry::Plain(typed) => (None, typed, Terms::default()),
            KeyEntry::Named(named) => (Some(named.name), named.key, named.limits.unwrap_or_default()),
        };
        if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            self.problem(key, "`name` is empty");
        }
        Some(ConfiguredKey { name, hash: self.key_hash(key, &typed)?, terms })
    }

    /// `sha256:HEX`, or the hash of what a reference points to, which may itself be a hash.
    fn key_hash(&mut self, key: &str, typed: &str) -> Option<KeyHash> {
        if typed.starts_with("sha256:") {
            return typed.parse().map_err(|error| self.problem(key, format!("{error}"))).ok();
        }
        if !typed.starts_with("env:") && !typed.starts_with("file:") {
            let text = "a key is not written here itself: use `env:NAME`, `file:PATH`, or `sha256:` and its SHA-256 \
                        (printf %s KEY | sha256sum)";
            self.problem(key, text);
            return None;
        }
        let secret = self.secret(key, typed)?;
        match secret.expose().parse() {
            Ok(hash) => Some(hash),
            Err(_) => Some(self.hash_of(key, &secret)),
        }
    }

    fn hash_of(&mut self, key: &str, secret: &Secret) -> KeyHash {
        if secret.expose().len() < SHORTEST_KEY {
            let text = format!("`{key}` is shorter than {SHORTEST_KEY} characters and can be guessed.");
            self.notices.push(text);
        }
        KeyHash::of(secret.expose())
    }
}
