//! Nothing is kept for ever, and not without end.

use store::{ResponseStore, Settings, Sqlite, StoreError};

use crate::support::{MINE, fresh, now, queued, response, settings};

const SMALL: u64 = 2 << 20;

fn with_bytes(id: &str, bytes: usize) -> store::NewResponse {
    let mut large = response(id, None);
    large.input[0].json = vec![b'x'; bytes].into();
    large
}

#[tokio::test]
async fn what_has_expired_is_not_found_and_leaves_the_file() {
    let (dir, store) = fresh();
    let mut old = response("a", None);
    old.expires_at = now() - 1;
    store.insert(old).await.unwrap();
    assert!(store.get(MINE, "a").await.unwrap().is_none());
    assert!(store.conversation(MINE, "a").await.unwrap().is_none());
    assert_eq!(store.items(MINE, vec!["a_in".into()]).await.unwrap(), [None]);
    assert_eq!(store.size().await.unwrap().responses, 0);
    store.close().await;
    // Opening sweeps.
    let again = Sqlite::open(&settings(dir.path())).unwrap();
    again.insert(response("a", None)).await.unwrap();
}

#[tokio::test]
async fn space_that_is_not_needed_any_more_is_given_back() {
    let (dir, store) = fresh();
    for n in 0..20 {
        let mut old = with_bytes(&format!("r{n}"), 100_000);
        old.expires_at = now() - 1;
        store.insert(old).await.unwrap();
    }
    store.close().await;
    let size = || std::fs::metadata(dir.path().join("responses.sqlite")).unwrap().len();
    assert!(size() > 1_000_000);
    Sqlite::open(&settings(dir.path())).unwrap().close().await;
    assert!(size() < 200_000, "{} bytes for nothing", size());
}

#[tokio::test]
async fn a_full_store_forgets_the_oldest_first_and_never_grows_beyond_its_bound() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&Settings { max_bytes: SMALL, ..settings(dir.path()) }).unwrap();
    store.insert(queued("running")).await.unwrap();
    for n in 0..20_u64 {
        let mut large = with_bytes(&format!("r{n:02}"), 300_000);
        large.expires_at += n;
        store.insert(large).await.unwrap();
        assert!(store.size().await.unwrap().bytes <= SMALL);
    }
    assert!(store.get(MINE, "r00").await.unwrap().is_none());
    assert!(store.get(MINE, "r19").await.unwrap().is_some());
    assert!(store.get(MINE, "running").await.unwrap().is_some(), "what is unfinished does not give way");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&Settings { max_bytes: SMALL, ..settings(dir.path()) }).unwrap();
    store.insert(response("a", None)).await.unwrap();
    let refused = store.insert(with_bytes("b", SMALL as usize)).await;
    assert_eq!(refused, Err(StoreError::TooLarge { max_bytes: SMALL }));
    assert!(store.get(MINE, "a").await.unwrap().is_some());
    assert!(store.get(MINE, "b").await.unwrap().is_none());
}
