//! A store in a directory of its own, and responses to put into it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use store::{Event, Item, NewResponse, Settings, Sqlite, Status};
use tempfile::TempDir;

pub(crate) const MINE: &str = "mine";
pub(crate) const LARGE: u64 = 1 << 30;

pub(crate) fn settings(dir: &Path) -> Settings {
    Settings { dir: dir.to_owned(), max_bytes: LARGE, patience: Duration::from_secs(30) }
}

pub(crate) fn fresh() -> (TempDir, Sqlite) {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&settings(dir.path())).unwrap();
    (dir, store)
}

pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// A response that has ended, with one item in and one out.
pub(crate) fn response(id: &str, previous: Option<&str>) -> NewResponse {
    NewResponse {
        id: id.into(),
        owner: MINE.into(),
        previous: previous.map(str::to_owned),
        created_at: now(),
        expires_at: now() + 86_400,
        status: Status::Completed,
        background: false,
        response: format!("{{\"id\":\"{id}\"}}").into(),
        request: None,
        input: vec![item(&format!("{id}_in"))],
        output: vec![item(&format!("{id}_out"))],
        events: Vec::new(),
    }
}

pub(crate) fn queued(id: &str) -> NewResponse {
    NewResponse {
        status: Status::Queued,
        background: true,
        request: Some(Bytes::from_static(b"{\"model\":\"x\"}")),
        output: Vec::new(),
        events: vec![event(0)],
        ..response(id, None)
    }
}

pub(crate) fn item(id: &str) -> Item {
    Item { id: id.into(), json: format!("{{\"id\":\"{id}\"}}").into() }
}

pub(crate) fn event(sequence: u64) -> Event {
    Event { sequence, sse: format!("data: {{\"sequence_number\":{sequence}}}\n\n").into() }
}
