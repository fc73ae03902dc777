//! A store that cannot do its work says so; it does not hang, and it does not lie.

use store::{OpenError, ResponseStore, Sqlite, StoreError, Unavailable};

use crate::support::{MINE, fresh, response, settings};

#[tokio::test]
async fn one_server_at_a_time_has_it() {
    let (dir, _store) = fresh();
    let second = Sqlite::open(&settings(dir.path()));
    assert!(matches!(second, Err(OpenError::InUse(_))));
}

#[tokio::test]
async fn a_file_that_is_something_else_is_refused_and_left_as_it_is() {
    let content = b"not a database, but long enough to be taken for the head of one ".repeat(64);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("responses.sqlite");
    std::fs::write(&path, &content).unwrap();
    let error = Sqlite::open(&settings(dir.path())).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_file_is_noticed_when_it_is_opened() {
    let (dir, store) = fresh();
    for n in 0..50 {
        store.insert(response(&format!("r{n}"), None)).await.unwrap();
    }
    store.close().await;
    let path = dir.path().join("responses.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = Sqlite::open(&settings(dir.path())).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_versions_file_is_not_touched() {
    let (dir, store) = fresh();
    store.close().await;
    let path = dir.path().join("responses.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Sqlite::open(&settings(dir.path())).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Sqlite::open(&settings(&file.join("data"))).unwrap_err();
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_write_that_fails_is_an_error_and_the_next_one_may_succeed() {
    let (dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    // Another connection that holds the write lock: what a full disk or a stuck backup looks like from here.
    let other = rusqlite::Connection::open(dir.path().join("responses.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.insert(response("b", None)).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    assert!(store.get(MINE, "a").await.unwrap().is_some(), "it can still be read");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(store.get(MINE, "b").await.unwrap().is_none(), "what was said to have failed is not there");
    store.insert(response("b", None)).await.unwrap();
}

#[tokio::test]
async fn two_writes_in_one_commit_do_not_share_a_failure() {
    let (_dir, store) = fresh();
    let (first, twice, third) = tokio::join!(
        store.insert(response("a", None)),
        store.insert(response("a", None)),
        store.insert(response("b", None)),
    );
    first.unwrap();
    assert!(matches!(twice, Err(StoreError::Database(_))), "the id is taken");
    third.unwrap();
    assert!(store.get(MINE, "b").await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_that_is_closed_or_never_opened_says_so() {
    let (_dir, store) = fresh();
    store.close().await;
    assert!(matches!(store.get(MINE, "a").await, Err(StoreError::Unavailable(_))));
    let never = Unavailable::new("no disk");
    let error = never.insert(response("a", None)).await.unwrap_err();
    assert!(error.to_string().contains("no disk"), "{error}");
}
