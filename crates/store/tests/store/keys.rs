//! Issued keys.

use std::time::Duration;

use store::{KeyStore, NewKey, SqliteKeys};
use tempfile::TempDir;

fn open(dir: &TempDir) -> SqliteKeys {
    SqliteKeys::open(dir.path(), Duration::from_secs(20)).unwrap()
}

fn key(id: &str, name: &str) -> NewKey {
    NewKey {
        id: id.into(),
        name: name.into(),
        terms: "{}".into(),
        created: 5,
        expires: Some(500),
        hash: format!("sha256:{id}"),
    }
}

#[tokio::test]
async fn a_key_is_kept_found_by_id_and_name_and_revoked_once() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(&dir);
    assert!(keys.create(key("key_1", "anna")).await.unwrap());
    assert!(!keys.create(key("key_2", "anna")).await.unwrap(), "a name is one key's");
    assert!(keys.create(key("key_3", "ben")).await.unwrap());
    assert_eq!(keys.revoke("anna", 9).await.unwrap().unwrap().revoked, Some(9));
    assert!(keys.revoke("key_1", 10).await.unwrap().is_none());
    assert!(keys.create(key("key_4", "anna")).await.unwrap(), "a revoked key's name is free");
    assert_eq!(keys.revoke("key_3", 11).await.unwrap().unwrap().name, "ben");
    keys.close().await;
    let shown: Vec<_> =
        open(&dir).list().await.unwrap().into_iter().map(|key| (key.id, key.revoked)).collect();
    let expected = [("key_1", Some(9)), ("key_3", Some(11)), ("key_4", None)];
    assert_eq!(shown, expected.map(|(id, revoked)| (id.to_owned(), revoked)));
}

#[tokio::test]
async fn a_rotated_key_has_both_hashes_and_the_older_one_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(&dir);
    keys.create(key("key_1", "anna")).await.unwrap();
    let rotated = keys.rotate("anna", "sha256:new".into(), 100).await.unwrap().unwrap();
    let hashes = |hashes: &[(&str, Option<u64>)]| -> Vec<(String, Option<u64>)> {
        hashes.iter().map(|(hash, until)| ((*hash).to_owned(), *until)).collect()
    };
    assert_eq!(rotated.hashes, hashes(&[("sha256:key_1", Some(100)), ("sha256:new", None)]));
    let again = keys.rotate("key_1", "sha256:newer".into(), 200).await.unwrap().unwrap();
    let expected = [("sha256:key_1", Some(100)), ("sha256:new", Some(200)), ("sha256:newer", None)];
    assert_eq!(again.hashes, hashes(&expected));
    assert!(keys.rotate("nobody", "sha256:x".into(), 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_by_another_program_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (server, command) = (open(&dir), open(&dir));
    let before = server.version().await.unwrap();
    command.create(key("key_1", "anna")).await.unwrap();
    let after = server.version().await.unwrap();
    assert!(after > before);
    assert_eq!(server.list().await.unwrap().len(), 1);
    assert_eq!(server.version().await.unwrap(), after, "looking changes nothing");
}
