//! How large the store is, and who gives way: what has expired, then what would have expired next.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Size, StoreError};

/// Of a full store so much is freed at once, that not every write has to.
const SPARE_PARTS: u64 = 20;
/// What a row costs beside what is in it.
const ROW_BYTES: u64 = 512;
/// Rows that are forgotten in one go.
const SWEEP_ROWS: u32 = 1000;

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn size(connection: &Connection) -> Result<Size, StoreError> {
    let responses =
        connection.query_row("SELECT count(*) FROM responses WHERE expires > ?1", [now()], |row| {
            row.get::<_, i64>(0)
        })?;
    Ok(Size { responses: responses.unsigned_abs(), bytes: used(connection)? })
}

/// Bytes in use: pages that hold something.
fn used(connection: &Connection) -> Result<u64, StoreError> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(pages.saturating_mul(number("page_size")?).unsigned_abs())
}

/// Forgets what has expired and gives the space back.
pub(super) fn sweep(connection: &Connection) {
    let done = connection
        .execute(
            "DELETE FROM responses WHERE key IN (SELECT key FROM responses WHERE expires <= ?1 LIMIT ?2)",
            params![now(), SWEEP_ROWS],
        )
        .and_then(|forgotten| give_back(connection).map(|()| forgotten));
    match done {
        Ok(0) => {}
        Ok(forgotten) => tracing::debug!(forgotten, "expired responses"),
        Err(error) => tracing::warn!(%error, "expired responses could not be forgotten"),
    }
}

/// Shortens the file by what is free in it. Each step of the statement frees one page.
pub(super) fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("PRAGMA incremental_vacuum(4096)")?;
    let mut freed = statement.query([])?;
    while freed.next()?.is_some() {}
    Ok(())
}

/// Makes room for so many bytes: what would be forgotten soonest goes first, never what is unfinished or `keep`.
pub(super) fn make(
    connection: &Connection,
    bytes: u64,
    max_bytes: u64,
    keep: Option<&str>,
) -> Result<(), StoreError> {
    if bytes > max_bytes / 2 {
        return Err(StoreError::TooLarge { max_bytes });
    }
    if used(connection)?.saturating_add(bytes) <= max_bytes {
        return Ok(());
    }
    let goal = max_bytes.saturating_sub(bytes).saturating_sub(max_bytes / SPARE_PARTS);
    let mut forgotten = 0_u64;
    while used(connection)? > goal {
        let next = "SELECT key FROM responses WHERE status NOT IN ('queued', 'in_progress') AND id IS NOT ?1
             ORDER BY expires, created, key LIMIT 1";
        let oldest = connection
            .prepare_cached(next)?
            .query_row(params![keep], |row| row.get::<_, i64>(0))
            .optional()?;
        let Some(key) = oldest else { return Err(StoreError::TooLarge { max_bytes }) };
        connection.prepare_cached("DELETE FROM responses WHERE key = ?1")?.execute([key])?;
        forgotten += 1;
    }
    tracing::info!(forgotten, "the store of responses is full: the oldest gave way");
    Ok(())
}

/// What so many rows with so much in them take.
pub(super) fn cost(rows: usize, bytes: usize) -> u64 {
    (rows as u64).saturating_mul(ROW_BYTES).saturating_add(bytes as u64)
}
