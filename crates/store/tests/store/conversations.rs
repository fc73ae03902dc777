//! Conversations that go on, and whose they are.

use store::{PageQuery, ResponseStore, Status};

use crate::support::{MINE, fresh, item, now, queued, response};

fn all() -> PageQuery {
    PageQuery { limit: 100, descending: false, after: None, before: None }
}

async fn ids(store: &store::Sqlite, id: &str, query: PageQuery) -> (Vec<String>, bool) {
    let page = store.input_items(MINE, id, query).await.unwrap().unwrap();
    (page.items.into_iter().map(|item| item.id).collect(), page.has_more)
}

#[tokio::test]
async fn a_conversation_is_all_that_was_said_oldest_first() {
    let (_dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    store.insert(response("b", Some("a"))).await.unwrap();
    store.insert(response("c", Some("b"))).await.unwrap();
    let told = store.conversation(MINE, "c").await.unwrap().unwrap();
    let expected = ["a_in", "a_out", "b_in", "b_out", "c_in", "c_out"].map(item);
    assert_eq!((told.items, told.status), (expected.to_vec(), Status::Completed));
    let (found, _) = ids(&store, "b", all()).await;
    assert_eq!(found, ["a_in", "a_out", "b_in"], "what b was made of");
}

#[tokio::test]
async fn two_ways_on_from_one_response_do_not_meet() {
    let (_dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    store.insert(response("b", Some("a"))).await.unwrap();
    store.insert(response("c", Some("a"))).await.unwrap();
    let told = store.conversation(MINE, "c").await.unwrap().unwrap();
    assert!(told.items.iter().all(|item| !item.id.starts_with('b')));
}

#[tokio::test]
async fn a_conversation_with_a_gap_is_not_told() {
    let (_dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    store.insert(response("b", Some("a"))).await.unwrap();
    assert!(store.delete(MINE, "a").await.unwrap());
    assert!(store.conversation(MINE, "b").await.unwrap().is_none());
    assert!(store.get(MINE, "b").await.unwrap().is_some(), "it itself is there");
}

#[tokio::test]
async fn an_answer_without_its_end_says_so() {
    let (_dir, store) = fresh();
    store.insert(queued("a")).await.unwrap();
    assert_eq!(store.conversation(MINE, "a").await.unwrap().unwrap().status, Status::Queued);
}

#[tokio::test]
async fn nothing_is_found_by_another_owner() {
    let (_dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    assert!(store.get("theirs", "a").await.unwrap().is_none());
    assert!(store.conversation("theirs", "a").await.unwrap().is_none());
    assert!(store.input_items("theirs", "a", all()).await.unwrap().is_none());
    assert_eq!(store.items("theirs", vec!["a_in".into()]).await.unwrap(), [None]);
    assert!(!store.delete("theirs", "a").await.unwrap());
    assert!(store.get(MINE, "a").await.unwrap().is_some());
    // Nor can a conversation lead into another's.
    let foreign = store::NewResponse { owner: "theirs".into(), ..response("b", Some("a")) };
    store.insert(foreign).await.unwrap();
    assert!(store.conversation("theirs", "b").await.unwrap().is_none());
}

#[tokio::test]
async fn items_are_found_by_their_ids_in_the_order_asked_for() {
    let (_dir, store) = fresh();
    store.insert(response("a", None)).await.unwrap();
    let wanted = ["a_out", "nowhere", "a_in"].map(str::to_owned).to_vec();
    let found = store.items(MINE, wanted).await.unwrap();
    assert_eq!(found, [Some(item("a_out").json), None, Some(item("a_in").json)]);
}

#[tokio::test]
async fn a_list_is_told_in_parts_in_both_directions() {
    let (_dir, store) = fresh();
    let mut long = response("a", None);
    long.input = (0..5).map(|n| item(&format!("i{n}"))).collect();
    store.insert(long).await.unwrap();
    let part = |descending, limit, after: Option<&str>| PageQuery {
        limit,
        descending,
        after: after.map(str::to_owned),
        before: None,
    };
    assert_eq!(ids(&store, "a", part(false, 2, None)).await, (vec!["i0".into(), "i1".into()], true));
    assert_eq!(ids(&store, "a", part(false, 3, Some("i1"))).await.0, ["i2", "i3", "i4"]);
    assert_eq!(ids(&store, "a", part(true, 2, Some("i3"))).await, (vec!["i2".into(), "i1".into()], true));
    assert_eq!(ids(&store, "a", part(true, 9, Some("i0"))).await, (vec![], false));
    let before = PageQuery { before: Some("i2".into()), ..part(false, 9, None) };
    assert_eq!(ids(&store, "a", before).await.0, ["i0", "i1"]);
}

#[tokio::test]
async fn what_a_newer_response_goes_on_from_is_kept_as_long_as_that() {
    let (_dir, store) = fresh();
    let mut old = response("a", None);
    old.expires_at = now() + 2;
    store.insert(old).await.unwrap();
    store.insert(response("b", Some("a"))).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    assert!(store.conversation(MINE, "b").await.unwrap().is_some());
}
