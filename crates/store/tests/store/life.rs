//! From the first word to the last, and across the end of a process.

use store::{Ending, ResponseStore, Sqlite, Status};

use crate::support::{MINE, event, fresh, item, queued, response, settings};

fn ending(status: Status) -> Ending {
    Ending { status, response: "{\"ended\":true}".into(), output: vec![item("out")], events: vec![event(2)] }
}

#[tokio::test]
async fn what_was_kept_is_there_after_the_store_was_opened_again() {
    let (dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    store.close().await;
    let again = Sqlite::open(&settings(dir.path())).unwrap();
    let found = again.get(MINE, "a").await.unwrap().unwrap();
    assert_eq!((&found.response[..], found.status), (&b"{\"id\":\"a\"}"[..], Status::Completed));
}

#[tokio::test]
async fn an_acknowledged_write_is_in_the_file_although_nobody_closed_it() {
    let (dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    // A copy of the files now is what a killed process would leave behind.
    let copy = tempfile::tempdir().unwrap();
    for name in ["responses.sqlite", "responses.sqlite-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let found = Sqlite::open(&settings(copy.path())).unwrap();
    assert!(found.get(MINE, "a").await.unwrap().is_some());
    drop(store);
}

#[tokio::test]
async fn an_unfinished_response_is_found_by_the_next_server_with_what_it_takes_to_make_it() {
    let (_dir, store) = fresh();
    store.insert(queued("a")).await.unwrap();
    store.insert(response("b", None)).await.unwrap();
    assert!(store.begin("a", "{\"status\":\"in_progress\"}".into()).await.unwrap());
    assert!(store.append("a", vec![event(1)]).await.unwrap());
    let left = store.unfinished().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].id.as_str(), left[0].owner.as_str(), left[0].status),
        ("a", MINE, Status::InProgress)
    );
    assert_eq!((left[0].attempts, left[0].next_sequence), (1, 2));
    assert_eq!(left[0].request.as_deref(), Some(&b"{\"model\":\"x\"}"[..]));
}

#[tokio::test]
async fn only_the_first_end_of_a_response_counts() {
    let (_dir, store) = fresh();
    store.insert(queued("a")).await.unwrap();
    assert!(store.end("a", ending(Status::Cancelled)).await.unwrap());
    assert!(!store.end("a", ending(Status::Completed)).await.unwrap());
    assert!(!store.append("a", vec![event(3)]).await.unwrap());
    assert!(!store.begin("a", "{}".into()).await.unwrap());
    assert_eq!(store.get(MINE, "a").await.unwrap().unwrap().status, Status::Cancelled);
    assert!(store.unfinished().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_log_is_told_from_any_event_on() {
    let (_dir, store) = fresh();
    store.insert(queued("a")).await.unwrap();
    store.append("a", vec![event(1)]).await.unwrap();
    store.end("a", ending(Status::Completed)).await.unwrap();
    assert_eq!(store.events("a", None).await.unwrap(), [event(0), event(1), event(2)]);
    assert_eq!(store.events("a", Some(0)).await.unwrap(), [event(1), event(2)]);
    assert!(store.events("a", Some(2)).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_follows_the_end_of_a_response_that_was_cut_off_while_more_was_kept() {
    let (_dir, store) = fresh();
    store.insert(queued("a")).await.unwrap();
    store.append("a", (1..6).map(event).collect()).await.unwrap();
    store.end("a", ending(Status::Cancelled)).await.unwrap();
    assert_eq!(store.events("a", None).await.unwrap(), [event(0), event(1), event(2)]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_all_that_belongs_to_it() {
    let (dir, store) = fresh();
    let mut secret = queued("a");
    secret.input[0].json = "\"a word that nobody else would say\"".into();
    store.insert(secret).await.unwrap();
    assert!(store.delete(MINE, "a").await.unwrap());
    assert!(!store.delete(MINE, "a").await.unwrap());
    assert!(store.get(MINE, "a").await.unwrap().is_none());
    assert!(store.events("a", None).await.unwrap().is_empty());
    assert_eq!(store.items(MINE, vec!["a_in".into()]).await.unwrap(), [None]);
    store.close().await;
    let mut left = Vec::new();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        left.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let word = b"nobody else would say";
    // The write-ahead log goes when the last connection does; what stays of the file has been overwritten.
    assert!(!left.windows(word.len()).any(|window| window == word), "a deleted word is still in the file");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let store = Sqlite::open(&settings(&dir)).unwrap();
    store.insert(response("a", None)).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["responses.sqlite", "responses.sqlite-wal", "responses.sqlite-shm", "responses.lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_are_all_kept() {
    let (_dir, store) = fresh();
    let store = std::sync::Arc::new(store);
    let writers: Vec<_> = (0..300)
        .map(|n| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { store.insert(response(&format!("r{n}"), None)).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(store.size().await.unwrap().responses, 300);
}
