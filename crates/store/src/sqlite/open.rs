//! Opening the file: private, owned by one server, in a shape this version knows.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::shapes::Shape;

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
    pub(super) lock: Option<File>,
}

pub(super) fn open(dir: &Path, shape: &Shape) -> Result<Opened, OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(failed("creating the directory", dir))?;
    let lock = shape.lock.map(|name| lock(&dir.join(name))).transpose()?;
    let path = dir.join(shape.file);
    // Made here so that it is private from the first moment; SQLite's own files beside it follow its mode.
    private_file(&path).map_err(failed("opening", &path))?;
    let connection = connect(&path).map_err(|source| damaged(&path, source))?;
    prepare(&connection, &path, shape)?;
    Ok(Opened { connection, lock })
}

/// A further connection to a file that is there, which changes nothing in it. `None` when there is no file.
pub(super) fn open_to_read(dir: &Path, shape: &Shape) -> Result<Option<Opened>, OpenError> {
    let path = dir.join(shape.file);
    if !path.try_exists().map_err(failed("opening", &path))? {
        return Ok(None);
    }
    let wrong = |source| damaged(&path, source);
    // Readers of a log that another process writes take part in its locks: a connection for reading alone could not.
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(wrong)?;
    connection.busy_timeout(BUSY).map_err(wrong)?;
    connection.execute_batch(CONNECTION).map_err(wrong)?;
    recognise(&connection, &path, shape)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(wrong)?;
    Ok(Some(Opened { connection, lock: None }))
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
fn prepare(connection: &Connection, path: &Path, shape: &Shape) -> Result<(), OpenError> {
    create(connection, shape).map_err(|source| damaged(path, source))?;
    recognise(connection, path, shape)?;
    if !shape.check {
        return Ok(());
    }
    let check = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let found = connection.query_row("PRAGMA quick_check(1)", [], check);
    let found = found.map_err(|source| damaged(path, source))?;
    if found == "ok" { Ok(()) } else { Err(foreign(path, format!("it is damaged ({found})"))) }
}

/// Whether it is a file of this shape.
fn recognise(connection: &Connection, path: &Path, shape: &Shape) -> Result<(), OpenError> {
    let marks = (number(connection, "application_id"), number(connection, "user_version"));
    let damaged = |source| damaged(path, source);
    match (marks.0.map_err(damaged)?, marks.1.map_err(damaged)?) {
        (application, version) if (application, version) == (shape.application_id, shape.version) => Ok(()),
        (application, later) if application == shape.application_id => {
            Err(foreign(path, format!("version {later} of its tables is not known here")))
        }
        _ => Err(foreign(path, "it is something else's database".to_owned())),
    }
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Makes the tables where there is nothing. Of two programs that find nothing at once, one makes them.
fn create(connection: &Connection, shape: &Shape) -> rusqlite::Result<()> {
    if !is_empty(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    if !is_empty(connection)? {
        return connection.execute_batch("ROLLBACK");
    }
    let Shape { tables, application_id, version, .. } = shape;
    connection.execute_batch(&format!(
        "{tables} PRAGMA application_id = {application_id}; PRAGMA user_version = {version}; COMMIT;"
    ))
}

/// Neither tables nor somebody's mark.
fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: bool =
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables && number(connection, "application_id")? == 0 && number(connection, "user_version")? == 0)
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
