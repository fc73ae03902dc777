//! What is asked of the store. What has expired is not there, whether or not it was swept.

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::room::now;
use crate::{Conversation, Event, Item, Page, PageQuery, Status, StoreError, Stored, Unfinished};

/// One response of a chain.
pub(super) struct Link {
    pub(super) key: i64,
    previous: Option<String>,
    status: Status,
}

pub(super) fn get(connection: &Connection, owner: &str, id: &str) -> Result<Option<Stored>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT status, background, object FROM responses JOIN bodies ON response = key
             WHERE id = ?1 AND owner = ?2 AND expires > ?3",
        )?
        .query_row(params![id, owner, now()], |row| {
            Ok(Stored { status: status(row, 0)?, background: row.get(1)?, response: blob(row, 2)? })
        })
        .optional()?;
    Ok(found)
}

/// The response and all it goes on from, newest first. `None` when one of them is not there.
pub(super) fn chain(connection: &Connection, owner: &str, id: &str) -> Result<Option<Vec<Link>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, previous, status FROM responses WHERE id = ?1 AND owner = ?2 AND expires > ?3",
    )?;
    let now = now();
    let mut chain: Vec<Link> = Vec::new();
    let mut next = Some(id.to_owned());
    while let Some(id) = next {
        let link = statement.query_row(params![id, owner, now], |row| {
            Ok(Link { key: row.get(0)?, previous: row.get(1)?, status: status(row, 2)? })
        });
        let Some(link) = link.optional()? else { return Ok(None) };
        next = link.previous.clone();
        chain.push(link);
    }
    Ok(Some(chain))
}

pub(super) fn conversation(
    connection: &Connection,
    owner: &str,
    id: &str,
) -> Result<Option<Conversation>, StoreError> {
    let Some(chain) = chain(connection, owner, id)? else { return Ok(None) };
    let Some(status) = chain.first().map(|last| last.status) else { return Ok(None) };
    let mut items = Vec::new();
    for link in chain.iter().rev() {
        items_of(connection, link.key, true, &mut items)?;
    }
    Ok(Some(Conversation { status, items }))
}

/// The items of one response in order: in, then out where wanted.
fn items_of(connection: &Connection, key: i64, out: bool, items: &mut Vec<Item>) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id, json FROM items WHERE response = ?1 AND out <= ?2 ORDER BY out, place")?;
    let found =
        statement.query_map(params![key, out], |row| Ok(Item { id: row.get(0)?, json: blob(row, 1)? }))?;
    for item in found {
        items.push(item?);
    }
    Ok(())
}

pub(super) fn items(
    connection: &Connection,
    owner: &str,
    ids: &[String],
) -> Result<Vec<Option<Bytes>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT json FROM items JOIN responses ON responses.key = items.response
         WHERE items.id = ?1 AND owner = ?2 AND expires > ?3 ORDER BY items.key DESC LIMIT 1",
    )?;
    let now = now();
    let mut find = |id: &String| statement.query_row(params![id, owner, now], |row| blob(row, 0)).optional();
    Ok(ids.iter().map(&mut find).collect::<Result<_, _>>()?)
}

pub(super) fn input_items(
    connection: &Connection,
    owner: &str,
    id: &str,
    query: &PageQuery,
) -> Result<Option<Page>, StoreError> {
    let Some(chain) = chain(connection, owner, id)? else { return Ok(None) };
    let mut items = Vec::new();
    for (place, link) in chain.iter().enumerate().rev() {
        items_of(connection, link.key, place > 0, &mut items)?;
    }
    if query.descending {
        items.reverse();
    }
    let place_of =
        |id: &Option<String>| id.as_ref().and_then(|id| items.iter().position(|item| item.id == *id));
    let (after, before) = (place_of(&query.after), place_of(&query.before));
    items.truncate(before.unwrap_or(items.len()));
    items.drain(..after.map_or(0, |place| place + 1).min(items.len()));
    let has_more = items.len() > query.limit;
    items.truncate(query.limit);
    Ok(Some(Page { items, has_more }))
}

pub(super) fn events(
    connection: &Connection,
    id: &str,
    after: Option<u64>,
) -> Result<Vec<Event>, StoreError> {
    let after = after.map_or(-1, u64::cast_signed);
    let mut statement = connection.prepare_cached(
        "SELECT sequence, sse FROM events JOIN responses ON key = response
         WHERE id = ?1 AND sequence > ?2 ORDER BY sequence",
    )?;
    let found = statement.query_map(params![id, after], |row| {
        Ok(Event { sequence: row.get::<_, i64>(0)?.cast_unsigned(), sse: blob(row, 1)? })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn unfinished(connection: &Connection) -> Result<Vec<Unfinished>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT id, owner, status, created, object, request, attempts,
             (SELECT coalesce(max(sequence) + 1, 0) FROM events WHERE events.response = key)
         FROM responses JOIN bodies ON response = key
         WHERE status IN ('queued', 'in_progress') ORDER BY created, key",
    )?;
    let found = statement.query_map([], |row| {
        Ok(Unfinished {
            id: row.get(0)?,
            owner: row.get(1)?,
            status: status(row, 2)?,
            created_at: row.get::<_, i64>(3)?.unsigned_abs(),
            response: blob(row, 4)?,
            request: row.get::<_, Option<Vec<u8>>>(5)?.map(Bytes::from),
            attempts: row.get(6)?,
            next_sequence: row.get::<_, i64>(7)?.unsigned_abs(),
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn blob(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let name: String = row.get(column)?;
    Status::parse(&name).ok_or(rusqlite::Error::InvalidColumnType(column, "status".into(), Type::Text))
}
