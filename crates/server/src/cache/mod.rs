//! Answers that are given again: to requests that are the same in everything that matters, and at once to all that ask
//! the same at the same time.

mod recording;
mod request;
mod serve;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use policy::cache::{Freshness, Key};
use policy::config;

use recording::{End, Reader, Recording};
pub(crate) use serve::serve;

/// What an answer takes in memory besides its bytes: its headers, mostly.
const OVERHEAD: usize = 2048;

/// All answers that are kept, and those on their way.
pub(crate) struct AnswerCache {
    settings: config::Cache,
    kept: moka::sync::Cache<Key, Arc<Recording>>,
    making: Mutex<HashMap<Key, Arc<Recording>>>,
}

/// What there is for a request.
enum Entrance {
    /// An answer, if only its beginning.
    Found(Reader),
    /// The answer has to be made, for others as well.
    Make(Making),
}

/// An answer that has to be made. When this is dropped before it is, nobody waits for it any longer.
struct Making {
    cache: Arc<AnswerCache>,
    key: Key,
    recording: Arc<Recording>,
}

impl AnswerCache {
    pub(crate) fn new(settings: config::Cache) -> Arc<Self> {
        let weight = |_: &Key, recording: &Arc<Recording>| {
            u32::try_from(OVERHEAD + recording.size()).unwrap_or(u32::MAX)
        };
        let kept = moka::sync::Cache::builder()
            .max_capacity(settings.max_bytes)
            .weigher(weight)
            .time_to_live(settings.ttl)
            .build();
        Arc::new(Self { settings, kept, making: Mutex::default() })
    }

    /// Bytes that the kept answers take.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.weighted_size()
    }

    fn enter(self: &Arc<Self>, key: Key, freshness: Freshness) -> Entrance {
        let mut making = self.making();
        let found = making.get(&key).cloned().or_else(|| self.kept.get(&key));
        if let Some(recording) = found.filter(|recording| freshness.takes(recording.age())) {
            return Entrance::Found(recording.reader());
        }
        let recording = Recording::new();
        making.insert(key, Arc::clone(&recording));
        Entrance::Make(Making { cache: Arc::clone(self), key, recording })
    }

    fn making(&self) -> MutexGuard<'_, HashMap<Key, Arc<Recording>>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Making {
    /// It is there; `good` when it may be given again later.
    fn done(self, good: bool) {
        self.recording.end(End::Whole);
        if good && self.recording.size() as u64 <= self.cache.settings.max_answer_bytes {
            self.cache.kept.insert(self.key, self.recording.in_one_piece());
        }
    }

    /// Gives it up, unless somebody has come to read it after all.
    fn give_up(&self) -> bool {
        let mut making = self.cache.making();
        if self.recording.is_read() {
            return false;
        }
        self.forget(&mut making);
        true
    }

    fn forget(&self, making: &mut HashMap<Key, Arc<Recording>>) {
        // Another may have taken its place: a caller that wanted one of its own.
        if making.get(&self.key).is_some_and(|recording| Arc::ptr_eq(recording, &self.recording)) {
            making.remove(&self.key);
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.recording.end(End::Broken);
        let cache = Arc::clone(&self.cache);
        self.forget(&mut cache.making());
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
