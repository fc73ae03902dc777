//! What arrived and how each exchange ended. Bounded: the oldest requests are forgotten first.

use crate::clock;
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// At most this many requests are remembered …
const MAX_REQUESTS: usize = 2_000;
/// … and at most this many bytes of their bodies.
const MAX_BODY_BYTES: usize = 256 << 20;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The answer was handed over to the last byte.
    Complete,
    /// The client closed the connection before.
    ClientGone,
    /// The simulator closed the connection, as its script said.
    Cut,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Counts from 1.
    pub id: u64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string, without `?`.
    pub query: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Bytes,
    /// When it arrived, in milliseconds since 1970.
    pub started_ms: f64,
    /// The status it was answered with, once that is known.
    pub status: Option<u16>,
    /// How the exchange ended, once it has.
    pub ended: Option<Ended>,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: Option<f64>,
}

impl Recorded {
    /// The first header of this name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Default)]
struct Entries {
    requests: VecDeque<Recorded>,
    body_bytes: usize,
    last_id: u64,
    /// Ids of exchanges that have not ended; also of such as were forgotten meanwhile.
    open: Vec<u64>,
}

/// All that is remembered.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request, whose id is given here, and watches over its exchange.
    pub(crate) fn open(self: &Arc<Self>, mut request: Recorded) -> Exchange {
        let mut entries = self.lock();
        entries.last_id += 1;
        let id = entries.last_id;
        request.id = id;
        entries.body_bytes += request.body.len();
        entries.requests.push_back(request);
        entries.open.push(id);
        while entries.requests.len() > MAX_REQUESTS
            || (entries.body_bytes > MAX_BODY_BYTES && entries.requests.len() > 1)
        {
            let forgotten = entries.requests.pop_front();
            entries.body_bytes -= forgotten.map_or(0, |request| request.body.len());
        }
        drop(entries);
        Exchange { ledger: Arc::clone(self), id, ended: false }
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.requests.clear();
        entries.body_bytes = 0;
    }

    pub(crate) fn open_ids(&self) -> Vec<u64> {
        self.lock().open.clone()
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Recorded)) {
        let mut entries = self.lock();
        // Ids ascend, so the place is found without a walk.
        let found = entries.requests.binary_search_by_key(&id, |request| request.id);
        if let Some(request) = found.ok().and_then(|place| entries.requests.get_mut(place)) {
            change(request);
        }
    }
}

/// An exchange under way. Dropped before [`Exchange::end`], it ended because the client went away.
pub(crate) struct Exchange {
    ledger: Arc<Ledger>,
    pub(crate) id: u64,
    ended: bool,
}

impl Exchange {
    pub(crate) fn answered(&self, status: u16) {
        self.ledger.change(self.id, |request| request.status = Some(status));
    }

    pub(crate) fn end(&mut self, how: Ended) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let now = clock::unix_ms();
        self.ledger.change(self.id, |request| {
            request.ended = Some(how);
            request.ended_ms = Some(now);
        });
        self.ledger.lock().open.retain(|id| *id != self.id);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Ended::ClientGone);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Ledger, MAX_REQUESTS, Recorded};
    use bytes::Bytes;
    use std::sync::Arc;

    fn request(body: &'static [u8]) -> Recorded {
        Recorded {
            id: 0,
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::from_static(body),
            started_ms: 0.0,
            status: None,
            ended: None,
            ended_ms: None,
        }
    }

    #[test]
    fn an_exchange_that_is_dropped_was_left_by_the_client() {
        let ledger = Arc::new(Ledger::default());
        drop(ledger.open(request(b"a")));
        ledger.open(request(b"b")).end(Ended::Complete);
        let ended: Vec<_> = ledger.requests().iter().map(|request| request.ended).collect();
        assert_eq!(ended, [Some(Ended::ClientGone), Some(Ended::Complete)]);
        assert!(ledger.open_ids().is_empty());
    }

    #[test]
    fn the_oldest_requests_are_forgotten_and_their_end_harms_nobody() {
        let ledger = Arc::new(Ledger::default());
        let mut first = ledger.open(request(b"first"));
        for _ in 0..MAX_REQUESTS {
            ledger.open(request(b"later")).end(Ended::Complete);
        }
        assert_eq!(ledger.requests().len(), MAX_REQUESTS);
        assert_eq!(ledger.open_ids(), [1]);
        first.end(Ended::Complete);
        assert!(ledger.open_ids().is_empty());
        assert_eq!(ledger.requests()[0].id, 2);
    }
}
