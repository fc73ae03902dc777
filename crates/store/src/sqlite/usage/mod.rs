//! The ledger of usage: rows come by a bounded queue to a thread that commits them together; reports are made by a
//! connection of their own, so that neither waits for the other.

mod read;
mod write;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::oneshot;

use self::write::{Counts, Entry};
use super::open::{OpenError, open, open_to_read};
use super::shapes::USAGE;
use super::thread::{Thread, not_started};
use crate::{LedgerState, Spent, StoreError, UsageGroup, UsageLedger, UsageQuery, UsageRow};

/// Rows that may wait for the thread: some seconds of the busiest server.
const QUEUE: usize = 16_384;

/// What an embedded ledger needs to know.
#[derive(Clone, Debug)]
pub struct UsageSettings {
    /// The directory of the file; it is made when it is not there.
    pub dir: PathBuf,
    /// Days after which a row is forgotten.
    pub retention_days: u16,
    /// How long a report may take.
    pub patience: Duration,
}

/// The embedded ledger.
#[derive(Debug)]
pub struct SqliteUsage {
    /// `None` in a ledger that is read alone, and in one that was closed.
    rows: Mutex<Option<SyncSender<Entry>>>,
    reader: Thread,
    counts: Arc<Counts>,
    patience: Duration,
}

impl SqliteUsage {
    /// Opens the ledger, or makes it.
    ///
    /// # Errors
    /// When the directory or the file can't be written, or the file is no ledger or damaged.
    pub fn open(settings: &UsageSettings) -> Result<Self, OpenError> {
        let writer = open(&settings.dir, &USAGE)?;
        let reader = open(&settings.dir, &USAGE)?;
        let counts = Arc::new(Counts::default());
        let (rows, queue) = sync_channel(QUEUE);
        let (retention, counting) = (settings.retention_days, Arc::clone(&counts));
        let thread = std::thread::Builder::new().name("ledger".into());
        let write = move || write::run(&writer.connection, &queue, retention, &counting);
        thread.spawn(write).map_err(not_started)?;
        Ok(Self {
            rows: Mutex::new(Some(rows)),
            reader: Thread::start(reader, settings.patience, |_| {})?,
            counts,
            patience: settings.patience,
        })
    }

    /// Opens the ledger of this directory for reports alone, beside the server that writes it. `None` when there is
    /// none.
    ///
    /// # Errors
    /// When the file can't be opened or is no ledger.
    pub fn open_to_read(settings: &UsageSettings) -> Result<Option<Self>, OpenError> {
        let Some(reader) = open_to_read(&settings.dir, &USAGE)? else { return Ok(None) };
        Ok(Some(Self {
            rows: Mutex::new(None),
            reader: Thread::start(reader, settings.patience, |_| {})?,
            counts: Arc::default(),
            patience: settings.patience,
        }))
    }

    /// The writer's answer to an entry that wants one. Nothing where it can't be asked.
    async fn asked(&self, entry: impl FnOnce(oneshot::Sender<()>) -> Entry, last: bool) {
        let (done, wait) = oneshot::channel();
        let sent = self.rows.lock().is_ok_and(|mut rows| {
            let sent = rows.as_ref().is_some_and(|rows| rows.try_send(entry(done)).is_ok());
            if last {
                *rows = None;
            }
            sent
        });
        if sent {
            let _ = tokio::time::timeout(self.patience, wait).await;
        }
    }
}

impl UsageLedger for SqliteUsage {
    fn record(&self, row: UsageRow) {
        let Ok(rows) = self.rows.lock() else { return };
        match rows.as_ref().map(|rows| rows.try_send(Entry::Row(Box::new(row)))) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => self.counts.lose(1, "more rows wait than can be written"),
            Some(Err(TrySendError::Disconnected(_))) | None => self.counts.lose(1, "it is closed"),
        }
    }

    fn report(&self, query: UsageQuery) -> BoxFuture<'_, Result<Vec<UsageGroup>, StoreError>> {
        Box::pin(async move {
            self.asked(Entry::Flush, false).await;
            self.reader.read(move |connection| read::report(connection, &query)).await
        })
    }

    fn spent(&self, day_ms: u64, month_ms: u64) -> BoxFuture<'_, Result<Vec<Spent>, StoreError>> {
        Box::pin(self.reader.read(move |connection| read::spent(connection, day_ms, month_ms)))
    }

    fn state(&self) -> LedgerState {
        self.counts.state()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.asked(Entry::Flush, true).await;
            self.reader.close().await;
        })
    }
}
