//! What changes the store. Each function is all or nothing.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::{read, room, signed};
use crate::{Ending, Event, Item, NewResponse, Status, StoreError};

/// A response that is gone on from gets its new expiry only when that is worth a write.
const WORTH_SECONDS: i64 = 3600;

const UNFINISHED: &str = "SELECT key FROM responses WHERE id = ?1 AND status IN ('queued', 'in_progress')";

pub(super) fn insert(connection: &Connection, new: &NewResponse, max_bytes: u64) -> Result<(), StoreError> {
    let sizes = new.response.len() + new.request.as_ref().map_or(0, Bytes::len);
    let bytes = sizes + item_bytes(&new.input) + item_bytes(&new.output) + event_bytes(&new.events);
    let rows = 2 + new.input.len() + new.output.len() + new.events.len();
    room::make(connection, room::cost(rows, bytes), max_bytes, new.previous.as_deref())?;
    let (created, expires) = (signed(new.created_at), signed(new.expires_at));
    connection
        .prepare_cached(
            "INSERT INTO responses (id, owner, previous, created, expires, status, background)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            new.id,
            new.owner,
            new.previous,
            created,
            expires,
            new.status.as_str(),
            new.background
        ])?;
    let key = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO bodies (response, object, request) VALUES (?1, ?2, ?3)")?
        .execute(params![key, &new.response[..], new.request.as_deref()])?;
    put_items(connection, key, false, &new.input)?;
    put_items(connection, key, true, &new.output)?;
    put_events(connection, key, &new.events)?;
    prolong(connection, &new.owner, new.previous.as_deref(), expires)
}

/// A conversation is kept as long as its newest response.
fn prolong(
    connection: &Connection,
    owner: &str,
    previous: Option<&str>,
    expires: i64,
) -> Result<(), StoreError> {
    let Some(previous) = previous else { return Ok(()) };
    let Some(chain) = read::chain(connection, owner, previous)? else { return Ok(()) };
    let mut statement =
        connection.prepare_cached("UPDATE responses SET expires = ?1 WHERE key = ?2 AND expires < ?3")?;
    for link in chain {
        statement.execute(params![expires, link.key, expires.saturating_sub(WORTH_SECONDS)])?;
    }
    Ok(())
}

pub(super) fn begin(connection: &Connection, id: &str, response: &Bytes) -> Result<bool, StoreError> {
    let Some(key) = unfinished(connection, id)? else { return Ok(false) };
    connection
        .prepare_cached("UPDATE responses SET status = ?1, attempts = attempts + 1 WHERE key = ?2")?
        .execute(params![Status::InProgress.as_str(), key])?;
    connection
        .prepare_cached("UPDATE bodies SET object = ?1 WHERE response = ?2")?
        .execute(params![&response[..], key])?;
    Ok(true)
}

pub(super) fn append(
    connection: &Connection,
    id: &str,
    events: &[Event],
    max_bytes: u64,
) -> Result<bool, StoreError> {
    let Some(key) = unfinished(connection, id)? else { return Ok(false) };
    room::make(connection, room::cost(events.len(), event_bytes(events)), max_bytes, None)?;
    put_events(connection, key, events)?;
    Ok(true)
}

pub(super) fn end(
    connection: &Connection,
    id: &str,
    ending: &Ending,
    max_bytes: u64,
) -> Result<bool, StoreError> {
    let Some(key) = unfinished(connection, id)? else { return Ok(false) };
    let bytes = ending.response.len() + item_bytes(&ending.output) + event_bytes(&ending.events);
    let rows = 1 + ending.output.len() + ending.events.len();
    room::make(connection, room::cost(rows, bytes), max_bytes, None)?;
    connection
        .prepare_cached("UPDATE responses SET status = ?1 WHERE key = ?2")?
        .execute(params![ending.status.as_str(), key])?;
    connection
        .prepare_cached("UPDATE bodies SET object = ?1, request = NULL WHERE response = ?2")?
        .execute(params![&ending.response[..], key])?;
    put_items(connection, key, true, &ending.output)?;
    if let Some(first) = ending.events.first() {
        // What was kept beyond the point where it ends was told to nobody.
        connection
            .prepare_cached("DELETE FROM events WHERE response = ?1 AND sequence >= ?2")?
            .execute(params![key, first.sequence.cast_signed()])?;
    }
    put_events(connection, key, &ending.events)?;
    Ok(true)
}

pub(super) fn delete(connection: &Connection, owner: &str, id: &str) -> Result<bool, StoreError> {
    let deleted = connection
        .prepare_cached("DELETE FROM responses WHERE id = ?1 AND owner = ?2 AND expires > ?3")?
        .execute(params![id, owner, room::now()])?;
    Ok(deleted > 0)
}

fn unfinished(connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    let key = connection.prepare_cached(UNFINISHED)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(key)
}

fn put_items(connection: &Connection, key: i64, out: bool, items: &[Item]) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached("INSERT INTO items (response, out, place, id, json) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (place, item) in items.iter().enumerate() {
        statement.execute(params![key, out, place as i64, item.id, &item.json[..]])?;
    }
    Ok(())
}

fn put_events(connection: &Connection, key: i64, events: &[Event]) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO events (response, sequence, sse) VALUES (?1, ?2, ?3)")?;
    for event in events {
        statement.execute(params![key, event.sequence.cast_signed(), &event.sse[..]])?;
    }
    Ok(())
}

fn item_bytes(items: &[Item]) -> usize {
    items.iter().map(|item| item.id.len() + item.json.len()).sum()
}

fn event_bytes(events: &[Event]) -> usize {
    events.iter().map(|event| event.sse.len()).sum()
}
