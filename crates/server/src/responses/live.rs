//! What is being made in the background, as its readers see it: any number of them, from any event on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use store::Event;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::pipeline::Exchange;
use crate::pipeline::{Ended, stopping};

/// As [`crate::relay`]: proxies give up on a silent stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A response that is being made.
pub(crate) struct Run {
    owner: String,
    log: watch::Sender<Log>,
    /// Ends it, as its caller wishes.
    pub(crate) cancel: CancellationToken,
}

/// What has been told of it so far.
#[derive(Default)]
pub(super) struct Log {
    /// As they are sent; an event's place is its number.
    events: Vec<Bytes>,
    /// The response object as it is now.
    response: Bytes,
    ended: bool,
}

impl Run {
    /// The response object as it is now.
    pub(crate) fn response(&self) -> Bytes {
        self.log.borrow().response.clone()
    }

    /// Resolves when it has ended, and that is known to the store.
    pub(crate) async fn ended(&self) {
        // An error means that nobody is left to end it.
        let _ = self.log.subscribe().wait_for(|log| log.ended).await;
    }

    /// Tells its readers more.
    pub(super) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        self.log.send_modify(|log| log.events.extend(events.into_iter().map(|event| event.sse)));
    }

    /// The response object from now on.
    pub(super) fn set(&self, response: Bytes) {
        self.log.send_modify(|log| log.response = response);
    }

    /// The events that were told.
    pub(super) fn events(&self) -> Vec<Bytes> {
        self.log.borrow().events.clone()
    }

    /// How many events were told.
    pub(super) fn told(&self) -> u64 {
        self.log.borrow().events.len() as u64
    }
}

/// All that is being made in the background now.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<String, Arc<Run>>>);

impl Runs {
    /// The run of this id, if it is this owner's.
    pub(crate) fn find(&self, owner: &str, id: &str) -> Option<Arc<Run>> {
        let runs = self.0.lock().ok()?;
        runs.get(id).filter(|run| run.owner == owner).cloned()
    }

    /// A new run. It stays until [`Self::end`].
    pub(super) fn begin(&self, owner: &str, id: &str, response: Bytes) -> Arc<Run> {
        let log = watch::Sender::new(Log { response, ..Log::default() });
        let run = Arc::new(Run { owner: owner.to_owned(), log, cancel: CancellationToken::new() });
        if let Ok(mut runs) = self.0.lock() {
            runs.insert(id.to_owned(), Arc::clone(&run));
        }
        run
    }

    /// It has ended: who comes from now on asks the store.
    pub(super) fn end(&self, id: &str) {
        let run = self.0.lock().ok().and_then(|mut runs| runs.remove(id));
        if let Some(run) = run {
            run.log.send_modify(|log| log.ended = true);
        }
    }
}

/// One reader's place in a run.
struct Reader {
    run: Arc<Run>,
    log: watch::Receiver<Log>,
    next: usize,
    cut: CancellationToken,
    over: bool,
    exchange: Option<Exchange>,
}

/// The events of a run from the one after `after` on, until it ends. `exchange` is the reader's own.
pub(crate) fn follow(
    run: Arc<Run>,
    after: Option<u64>,
    cut: CancellationToken,
    exchange: Option<Exchange>,
) -> Body {
    let next = after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
    let reader = Reader { log: run.log.subscribe(), run, next, cut, over: false, exchange };
    Body::from_stream(stream::unfold(reader, |mut reader| async move {
        let piece = reader.piece().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), reader))
    }))
}

impl Reader {
    /// What there is to send; `None` at the end.
    async fn piece(&mut self) -> Option<Bytes> {
        while !self.over {
            let (piece, ended) = self.news();
            if !piece.is_empty() {
                self.exchange.iter_mut().for_each(|exchange| exchange.sent(piece.len()));
                return Some(piece);
            }
            if ended {
                break;
            }
            tokio::select! {
                changed = self.log.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b": keep-alive\n\n")),
                () = self.cut.cancelled() => return Some(self.cut_off()),
            }
        }
        if let Some(exchange) = self.exchange.as_mut().filter(|_| !self.over) {
            exchange.end(Ended::Complete);
        }
        None
    }

    fn news(&mut self) -> (Bytes, bool) {
        let log = self.log.borrow_and_update();
        let mut out = BytesMut::new();
        for event in log.events.get(self.next..).unwrap_or_default() {
            out.extend_from_slice(event);
        }
        self.next = self.next.max(log.events.len());
        (out.freeze(), log.ended)
    }

    /// The server stops: what is not made then is made by the next one, or fails there.
    fn cut_off(&mut self) -> Bytes {
        self.over = true;
        if let Some(exchange) = &mut self.exchange {
            exchange.failed("the server is shutting down");
            exchange.end(Ended::Shutdown);
        }
        super::events::error_event(&stopping(), self.run.told())
    }
}

/// The events of a response that has ended.
pub(crate) fn replay(events: Vec<Event>) -> Body {
    let mut out = BytesMut::with_capacity(events.iter().map(|event| event.sse.len()).sum());
    for event in events {
        out.extend_from_slice(&event.sse);
    }
    Body::from(out.freeze())
}
