//! Issued keys. The server and the command line may have the file open at once: each change is one transaction.

use std::path::Path;
use std::time::Duration;

use futures_core::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, params};

use super::open::{OpenError, open};
use super::shapes::KEYS;
use super::signed;
use super::thread::Thread;
use crate::{KeyStore, NewKey, StoreError, StoredKey};

/// The embedded store of keys.
#[derive(Debug)]
pub struct SqliteKeys {
    thread: Thread,
}

impl SqliteKeys {
    /// Opens the store in this directory, or makes it. A caller waits no longer than `patience` for an answer.
    ///
    /// # Errors
    /// When the directory or the file can't be written, or the file is no store of keys or damaged.
    pub fn open(dir: &Path, patience: Duration) -> Result<Self, OpenError> {
        let opened = open(dir, &KEYS)?;
        Ok(Self { thread: Thread::start(opened, patience, |_| {})? })
    }
}

impl KeyStore for SqliteKeys {
    fn create(&self, new: NewKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.thread.write(move |connection| create(connection, &new)))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoredKey>, StoreError>> {
        Box::pin(self.thread.read(list))
    }

    fn revoke(&self, which: &str, now: u64) -> BoxFuture<'_, Result<Option<StoredKey>, StoreError>> {
        let which = which.to_owned();
        Box::pin(self.thread.write(move |connection| {
            change(connection, &which, |id| {
                let revoke = "UPDATE keys SET revoked = ?2 WHERE id = ?1";
                connection.prepare_cached(revoke)?.execute(params![id, signed(now)])?;
                Ok(())
            })
        }))
    }

    fn rotate(
        &self,
        which: &str,
        hash: String,
        until: u64,
    ) -> BoxFuture<'_, Result<Option<StoredKey>, StoreError>> {
        let which = which.to_owned();
        Box::pin(self.thread.write(move |connection| {
            change(connection, &which, |id| {
                // One that ends earlier already is not prolonged.
                let end = "UPDATE hashes SET until = min(coalesce(until, ?2), ?2) WHERE key = ?1";
                connection.prepare_cached(end)?.execute(params![id, signed(until)])?;
                put_hash(connection, id, &hash)
            })
        }))
    }

    fn version(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.thread.read(|connection| {
            let number: i64 =
                connection.prepare_cached("SELECT number FROM changes")?.query_row([], |row| row.get(0))?;
            Ok(number.unsigned_abs())
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.thread.close())
    }
}

fn create(connection: &Connection, new: &NewKey) -> Result<bool, StoreError> {
    if live(connection, &new.name)?.is_some() {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO keys (id, name, terms, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.id, new.name, new.terms, signed(new.created), new.expires.map(signed)])?;
    put_hash(connection, &new.id, &new.hash)?;
    changed(connection)?;
    Ok(true)
}

fn put_hash(connection: &Connection, id: &str, hash: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO hashes (hash, key) VALUES (?1, ?2)")?
        .execute(params![hash, id])?;
    Ok(())
}

/// Changes the key of this id or name, if it was not revoked, and tells what it is then.
fn change(
    connection: &Connection,
    which: &str,
    how: impl FnOnce(&str) -> Result<(), StoreError>,
) -> Result<Option<StoredKey>, StoreError> {
    let Some(id) = live(connection, which)? else { return Ok(None) };
    how(&id)?;
    changed(connection)?;
    Ok(list(connection)?.into_iter().find(|key| key.id == id))
}

/// The id of the key that is meant. An id goes before a name.
fn live(connection: &Connection, which: &str) -> Result<Option<String>, StoreError> {
    let found =
        "SELECT id FROM keys WHERE (id = ?1 OR name = ?1) AND revoked IS NULL ORDER BY id <> ?1 LIMIT 1";
    Ok(connection.prepare_cached(found)?.query_row([which], |row| row.get(0)).optional()?)
}

fn changed(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE changes SET number = number + 1")?.execute([])?;
    Ok(())
}

fn list(connection: &Connection) -> Result<Vec<StoredKey>, StoreError> {
    let all = "SELECT id, name, terms, created, expires, revoked FROM keys ORDER BY created, id";
    let mut statement = connection.prepare_cached(all)?;
    let keys = statement.query_map([], |row| {
        Ok(StoredKey {
            id: row.get(0)?,
            name: row.get(1)?,
            terms: row.get(2)?,
            created: row.get::<_, i64>(3)?.unsigned_abs(),
            expires: row.get::<_, Option<i64>>(4)?.map(i64::unsigned_abs),
            revoked: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
            hashes: Vec::new(),
        })
    })?;
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
    let mut hashes =
        connection.prepare_cached("SELECT hash, until FROM hashes WHERE key = ?1 ORDER BY hash")?;
    for key in &mut keys {
        let of = hashes.query_map([&key.id], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(i64::unsigned_abs)))
        })?;
        key.hashes = of.collect::<Result<_, _>>()?;
    }
    Ok(keys)
}
