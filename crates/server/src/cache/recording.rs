//! An answer on its way, kept from its beginning for those who come later.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;

/// How many pieces an answer may be ahead of the one who reads it fastest; then its maker waits.
const PIECES_AHEAD: usize = 64;

/// How an answer begins.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// An answer: its head and its pieces so far.
pub(crate) struct Recording {
    state: Mutex<State>,
    /// Counts what happened to the state, for those who wait for more.
    changes: watch::Sender<u64>,
    began: Instant,
}

#[derive(Default)]
struct State {
    head: Option<Head>,
    pieces: Vec<Bytes>,
    size: usize,
    end: Option<End>,
    readers: usize,
    /// How many pieces the fastest reader has.
    furthest: usize,
}

/// Whether all of the answer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Broken,
}

/// Reads a recording from its beginning. As long as there is one, the answer goes on being made.
pub(crate) struct Reader {
    recording: Arc<Recording>,
    at: usize,
}

impl Recording {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changes: watch::Sender::new(0), began: Instant::now() })
    }

    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.state().readers += 1;
        Reader { recording: Arc::clone(self), at: 0 }
    }

    /// The same answer in one piece: what it takes in memory is then what it has to tell, and no more.
    pub(crate) fn in_one_piece(&self) -> Arc<Self> {
        let state = self.state();
        let (head, size, end) = (state.head.clone(), state.size, state.end);
        let pieces = vec![Bytes::from(state.pieces.concat())];
        let whole = State { head, pieces, size, end, ..State::default() };
        Arc::new(Self { state: Mutex::new(whole), changes: watch::Sender::new(0), began: self.began })
    }

    /// How long ago it was begun.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// What it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.state().size
    }

    pub(crate) fn is_read(&self) -> bool {
        self.state().readers > 0
    }

    pub(crate) fn begin(&self, head: Head) {
        self.change(|state| state.head = Some(head));
    }

    /// One more piece. Waits when all who read it are far behind.
    pub(crate) async fn push(&self, piece: Bytes) {
        self.change(|state| {
            state.size += piece.len();
            state.pieces.push(piece);
        });
        let mut changes = self.changes.subscribe();
        while self.is_far_ahead() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn end(&self, end: End) {
        self.change(|state| {
            state.end.get_or_insert(end);
        });
    }

    /// Resolves when nobody reads it any longer.
    pub(crate) async fn deserted(&self) {
        let mut changes = self.changes.subscribe();
        while self.is_read() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn is_far_ahead(&self) -> bool {
        let state = self.state();
        state.readers > 0 && state.pieces.len() > state.furthest + PIECES_AHEAD
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changes.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// How long ago the answer was begun.
    pub(crate) fn age(&self) -> Duration {
        self.recording.age()
    }

    /// The head, once it is there; `None` when there will never be one.
    pub(crate) async fn head(&self) -> Option<Head> {
        self.wait(|state| match (&state.head, state.end) {
            (Some(head), _) => Some(Some(head.clone())),
            (None, Some(_)) => Some(None),
            (None, None) => None,
        })
        .await
    }

    /// The whole body, if it is all there already.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        let state = self.recording.state();
        (state.end == Some(End::Whole)).then(|| match &*state.pieces {
            [piece] => piece.clone(),
            pieces => pieces.concat().into(),
        })
    }

    /// The next piece; an error where it breaks off.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let at = self.at;
        let next = self
            .wait(|state| match (state.pieces.get(at), state.end) {
                (Some(piece), _) => Some(Some(Ok(piece.clone()))),
                (None, Some(End::Whole)) => Some(None),
                (None, Some(End::Broken)) => Some(Some(Err(io::Error::other("the answer broke off")))),
                (None, None) => None,
            })
            .await;
        if let Some(Ok(_)) = &next {
            self.at += 1;
            let leads = self.at > self.recording.state().furthest;
            if leads {
                self.recording.change(|state| state.furthest = state.furthest.max(self.at));
            }
        }
        next
    }

    async fn wait<T>(&self, ready: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.recording.changes.subscribe();
        loop {
            if let Some(value) = ready(&self.recording.state()) {
                return value;
            }
            // The sender lives as long as the recording that is read here.
            drop(changes.changed().await);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.recording.change(|state| state.readers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { status: StatusCode::OK, headers: HeaderMap::new() }
    }

    async fn all(mut reader: Reader) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(piece) = reader.next().await {
            body.extend_from_slice(&piece.unwrap());
        }
        body
    }

    #[tokio::test]
    async fn everyone_reads_it_from_the_beginning_whenever_they_come() {
        let recording = Recording::new();
        let early = tokio::spawn(all(recording.reader()));
        recording.begin(head());
        recording.push("one ".into()).await;
        let late = tokio::spawn(all(recording.reader()));
        recording.push("two".into()).await;
        recording.end(End::Whole);
        assert_eq!(early.await.unwrap(), b"one two");
        assert_eq!(late.await.unwrap(), b"one two");
        assert_eq!(recording.reader().whole().unwrap(), "one two");
        assert_eq!(recording.size(), 7);
        let kept = recording.in_one_piece();
        assert_eq!((kept.size(), kept.reader().whole().unwrap()), (7, Bytes::from("one two")));
        assert_eq!(all(kept.reader()).await, b"one two");
        assert!(kept.age() >= recording.age().saturating_sub(Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn one_that_breaks_off_says_so() {
        let recording = Recording::new();
        let (mut reader, never) = (recording.reader(), Recording::new());
        recording.begin(head());
        recording.push("one".into()).await;
        recording.end(End::Broken);
        recording.end(End::Whole);
        assert!(reader.next().await.unwrap().is_ok() && reader.next().await.unwrap().is_err());
        never.end(End::Broken);
        assert!(never.reader().head().await.is_none());
    }

    #[tokio::test]
    async fn it_waits_for_its_fastest_reader_and_ends_with_its_last() {
        let recording = Recording::new();
        let (mut fast, slow) = (recording.reader(), recording.reader());
        for _ in 0..PIECES_AHEAD {
            recording.push("x".into()).await;
        }
        let more = tokio::spawn({
            let recording = Arc::clone(&recording);
            async move { recording.push("y".into()).await }
        });
        tokio::task::yield_now().await;
        assert!(!more.is_finished());
        fast.next().await.unwrap().unwrap();
        more.await.unwrap();
        drop(fast);
        assert!(recording.is_read());
        drop(slow);
        recording.deserted().await;
    }
}
