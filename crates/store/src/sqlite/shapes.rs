//! The files: what they are called, and which tables are in them.

/// One kind of file. A later version changes the tables step by step from the number it finds.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) file: &'static str,
    /// What is locked as long as one server owns the file; none where several programs may have it open.
    pub(super) lock: Option<&'static str>,
    /// Marks the file as ours (`PRAGMA application_id`).
    pub(super) application_id: i32,
    pub(super) version: i32,
    pub(super) tables: &'static str,
    /// Whether it is read through when it is opened; a ledger may be too long for that.
    pub(super) check: bool,
}

/// Responses that callers come back to: "ccpr".
pub(super) const RESPONSES: Shape = Shape {
    file: "responses.sqlite",
    lock: Some("responses.lock"),
    application_id: 0x6363_7072,
    version: 1,
    tables: RESPONSE_TABLES,
    check: true,
};

/// What requests used: "ccpu". Reports are made beside the server that writes it.
pub(super) const USAGE: Shape = Shape {
    file: "usage.sqlite",
    lock: None,
    application_id: 0x6363_7075,
    version: 1,
    tables: USAGE_TABLE,
    check: false,
};

/// Keys that were issued: "ccpk". The command line changes them beside the server.
pub(super) const KEYS: Shape = Shape {
    file: "keys.sqlite",
    lock: None,
    application_id: 0x6363_706b,
    version: 1,
    tables: KEY_TABLES,
    check: true,
};

/// Small columns that change live apart from large ones that do not: SQLite rewrites whole rows.
const RESPONSE_TABLES: &str = "
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
/// Times in milliseconds since 1970, durations in microseconds. Ids ascend with time, so rows are added at the end.
const USAGE_TABLE: &str = "
    CREATE TABLE usage (
        id TEXT PRIMARY KEY,
        time INTEGER NOT NULL,
        key TEXT NOT NULL,
        key_name TEXT NOT NULL,
        dialect TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        model_asked TEXT NOT NULL,
        model_served TEXT NOT NULL,
        backend TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        status INTEGER NOT NULL,
        stream INTEGER NOT NULL,
        ended TEXT NOT NULL,
        estimated INTEGER NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cache_write_5m INTEGER NOT NULL,
        cache_write_1h INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        thinking INTEGER NOT NULL,
        web_searches INTEGER NOT NULL,
        cost INTEGER,
        duration INTEGER NOT NULL,
        first_byte INTEGER,
        overhead INTEGER NOT NULL,
        bytes_in INTEGER NOT NULL,
        bytes_out INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX usage_by_time ON usage (time);
    CREATE INDEX usage_by_key ON usage (key, time);
";
/// Of a key there is only its hash. A key has several while an older one works on.
const KEY_TABLES: &str = "
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        terms TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER,
        revoked INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX live_names ON keys (name) WHERE revoked IS NULL;
    CREATE TABLE hashes (
        hash TEXT PRIMARY KEY,
        key TEXT NOT NULL REFERENCES keys ON DELETE CASCADE,
        until INTEGER
    ) STRICT;
    CREATE TABLE changes (number INTEGER NOT NULL) STRICT;
    INSERT INTO changes VALUES (0);
";
