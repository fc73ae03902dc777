//! The thread that writes rows. What can't be written now (full disk) waits and is tried again, up to a bound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::sqlite::room::give_back;
use crate::sqlite::signed;
use crate::{LedgerState, UsageRow};

/// How long a row waits for others to be committed with it.
const LINGER: Duration = Duration::from_millis(200);
/// Rows that are committed together at most.
const BATCH: usize = 2048;
/// How soon a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Rows that wait for a disk that can be written again.
const MOST_WAITING: usize = 65_536;
/// How often old rows are looked for, and how many are forgotten in one go.
const SWEEP: Duration = Duration::from_secs(600);
const SWEEP_ROWS: u32 = 20_000;
const DAY_MS: u64 = 86_400_000;

const INSERT: &str =
    "INSERT OR IGNORE INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
     ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";

/// What comes by the queue.
pub(super) enum Entry {
    Row(Box<UsageRow>),
    /// Told when all rows before it were written, or could not be.
    Flush(oneshot::Sender<()>),
}

/// What went wrong so far. The log has it once, the metrics always.
#[derive(Debug, Default)]
pub(super) struct Counts {
    lost: AtomicU64,
    failures: AtomicU64,
}

impl Counts {
    pub(super) fn lose(&self, rows: u64, reason: &str) {
        if self.lost.fetch_add(rows, Ordering::Relaxed) == 0 {
            tracing::error!(reason, "rows of the usage ledger are lost; `ccp_usage_lost_total` counts them");
        }
    }

    fn fail(&self, error: &rusqlite::Error) {
        if self.failures.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(%error, "the usage ledger can't be written; its rows wait and are tried again");
        }
    }

    pub(super) fn state(&self) -> LedgerState {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LedgerState { lost: of(&self.lost), failures: of(&self.failures) }
    }
}

/// Writes until nobody can send any more.
pub(super) fn run(connection: &Connection, queue: &Receiver<Entry>, retention_days: u16, counts: &Counts) {
    let mut waiting = VecDeque::new();
    let mut swept: Option<Instant> = None;
    loop {
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            forget(connection, retention_days);
            swept = Some(Instant::now());
        }
        let patience = if waiting.is_empty() { SWEEP } else { RETRY };
        let mut flushed = None;
        let open = match queue.recv_timeout(patience) {
            Ok(Entry::Row(row)) => {
                waiting.push_back(row);
                gather(queue, &mut waiting, &mut flushed)
            }
            Ok(Entry::Flush(done)) => {
                flushed = Some(done);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        };
        write_all(connection, &mut waiting, counts);
        if let Some(done) = flushed {
            let _ = done.send(());
        }
        if !open {
            counts.lose_rest(waiting.len());
            return;
        }
    }
}

impl Counts {
    fn lose_rest(&self, rows: usize) {
        if rows > 0 {
            self.lose(rows as u64, "the server stops and they can't be written");
        }
    }
}

/// Takes what comes within a moment. `false` when nobody can send any more.
fn gather(
    queue: &Receiver<Entry>,
    waiting: &mut VecDeque<Box<UsageRow>>,
    flushed: &mut Option<oneshot::Sender<()>>,
) -> bool {
    let begun = Instant::now();
    while waiting.len() < BATCH {
        match queue.recv_timeout(LINGER.saturating_sub(begun.elapsed())) {
            Ok(Entry::Row(row)) => waiting.push_back(row),
            Ok(Entry::Flush(done)) => {
                *flushed = Some(done);
                break;
            }
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

fn write_all(connection: &Connection, waiting: &mut VecDeque<Box<UsageRow>>, counts: &Counts) {
    while !waiting.is_empty() {
        let batch = waiting.len().min(BATCH);
        match insert(connection, waiting.iter().take(batch)) {
            Ok(()) => drop(waiting.drain(..batch)),
            Err(error) => {
                counts.fail(&error);
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                break;
            }
        }
    }
    let surplus = waiting.len().saturating_sub(MOST_WAITING);
    if surplus > 0 {
        waiting.drain(..surplus);
        counts.lose(surplus as u64, "it could not be written for too long");
    }
}

fn insert<'r>(
    connection: &Connection,
    rows: impl Iterator<Item = &'r Box<UsageRow>>,
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut statement = connection.prepare_cached(INSERT)?;
    for row in rows {
        let tokens = &row.tokens;
        statement.execute(params![
            row.id,
            signed(row.time_ms),
            row.key,
            row.key_name,
            row.dialect,
            row.endpoint,
            row.model_asked,
            row.model_served,
            row.backend,
            row.attempts,
            row.status,
            row.stream,
            row.ended,
            row.estimated,
            signed(tokens.input),
            signed(tokens.output),
            signed(tokens.cache_write_5m),
            signed(tokens.cache_write_1h),
            signed(tokens.cache_read),
            signed(tokens.thinking),
            signed(tokens.web_searches),
            row.cost_nanos.map(signed),
            signed(row.duration_us),
            row.first_byte_us.map(signed),
            signed(row.overhead_us),
            signed(row.bytes_in),
            signed(row.bytes_out),
        ])?;
    }
    connection.execute_batch("COMMIT")
}

/// Forgets rows that are older than that, and gives the space back.
fn forget(connection: &Connection, retention_days: u16) {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let before = now.saturating_sub(DAY_MS * u64::from(retention_days));
    let delete = "DELETE FROM usage WHERE id IN (SELECT id FROM usage WHERE time < ?1 LIMIT ?2)";
    let done = connection
        .execute(delete, params![signed(before), SWEEP_ROWS])
        .and_then(|forgotten| give_back(connection).map(|()| forgotten));
    match done {
        Ok(0) => {}
        Ok(forgotten) => tracing::debug!(forgotten, "old rows of the usage ledger"),
        Err(error) => tracing::warn!(%error, "old rows of the usage ledger could not be forgotten"),
    }
}
