//! Opening the file: private, owned by one server, in a shape this version knows.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

const FILE_NAME: &str = "responses.sqlite";
const LOCK_NAME: &str = "responses.lock";
/// Marks the file as ours (`PRAGMA application_id`): "ccpr".
const APPLICATION_ID: i32 = 0x6363_7072;
/// The shape of the tables. A later version changes them step by step from the number it finds.
const VERSION: i32 = 1;
/// Whoever else has the file open, for a backup, holds it for moments only.
const BUSY: Duration = Duration::from_secs(2);

/// Before the first table: these are properties of the file. What is deleted is overwritten, not only forgotten.
const FILE: &str = "
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
";
/// What was committed survives the end of the process; a power cut may take the last moments, never the file.
const CONNECTION: &str = "
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA temp_store = MEMORY;
";
/// Small columns that change live apart from large ones that do not: SQLite rewrites whole rows.
const TABLES: &str = "
    CREATE TABLE responses (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        previous TEXT,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        status TEXT NOT NULL,
        background INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX responses_by_expiry ON responses (expires, created);
    CREATE TABLE bodies (
        response INTEGER PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
        object BLOB NOT NULL,
        request BLOB
    ) STRICT;
    CREATE TABLE items (
        key INTEGER PRIMARY KEY,
        response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
        out INTEGER NOT NULL,
        place INTEGER NOT NULL,
        id TEXT NOT NULL,
        json BLOB NOT NULL,
        UNIQUE (response, out, place)
    ) STRICT;
    CREATE INDEX items_by_id ON items (id);
    CREATE TABLE events (
        response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        sse BLOB NOT NULL,
        PRIMARY KEY (response, sequence)
    ) STRICT, WITHOUT ROWID;
";

/// The store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system said no.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Another server has it.
    #[error("another server uses {0}: give each server its own `data_dir`")]
    InUse(PathBuf),
    /// The file is no store of this version.
    #[error("{path}: {reason}; move it away and start again, and a new one is made")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// SQLite said no.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite answered.
        source: rusqlite::Error,
    },
}

/// An open store and the sign that it is taken.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Locked as long as it is open: the system frees it however this process ends.
    pub(super) lock: File,
}

pub(super) fn open(dir: &Path) -> Result<Opened, OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(failed("creating the directory", dir))?;
    let lock = lock(&dir.join(LOCK_NAME))?;
    let path = dir.join(FILE_NAME);
    // Made here so that it is private from the first moment; SQLite's own files beside it follow its mode.
    private_file(&path).map_err(failed("opening", &path))?;
    let connection = connect(&path).map_err(|source| damaged(&path, source))?;
    prepare(&connection, &path)?;
    Ok(Opened { connection, lock })
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = private_file(path).map_err(failed("opening", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed("locking", path)(source)),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(FILE)?;
    connection.execute_batch(CONNECTION)?;
    Ok(connection)
}

/// Makes the tables of a new file; of an old one, reads whether it is whole.
fn prepare(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |source| damaged(path, source);
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id"), number("user_version"));
    match (application.map_err(damaged)?, version.map_err(damaged)?) {
        (APPLICATION_ID, VERSION) => {}
        (0, 0) if is_empty(connection).map_err(damaged)? => create(connection).map_err(damaged)?,
        (APPLICATION_ID, later) => {
            return Err(foreign(path, format!("version {later} of its tables is not known here")));
        }
        _ => return Err(foreign(path, "it is something else's database".to_owned())),
    }
    let check = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let found = connection.query_row("PRAGMA quick_check(1)", [], check).map_err(damaged)?;
    if found == "ok" { Ok(()) } else { Err(foreign(path, format!("it is damaged ({found})"))) }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

fn foreign(path: &Path, reason: String) -> OpenError {
    OpenError::Foreign { path: path.to_owned(), reason }
}

fn damaged(path: &Path, source: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match source.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => foreign(path, format!("it is damaged ({source})")),
        _ => OpenError::Database { path: path.to_owned(), source },
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |source| OpenError::Io { action, path: path.to_owned(), source }
}
