use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use policy::cache::KeyHasher;

use super::recording::Head;
use super::*;

fn cache(max_answer_bytes: u64) -> Arc<AnswerCache> {
    let ttl = Duration::from_secs(60);
    let settings = config::Cache { ttl, max_bytes: 1 << 20, max_answer_bytes, tools: false, shared: false };
    AnswerCache::new(settings)
}

fn key(name: &str) -> Key {
    KeyHasher::default().with(name.as_bytes()).key()
}

fn made(cache: &Arc<AnswerCache>, name: &str) -> Option<Making> {
    made_for(cache, name, Freshness::default())
}

fn made_for(cache: &Arc<AnswerCache>, name: &str, freshness: Freshness) -> Option<Making> {
    match cache.enter(key(name), freshness) {
        Entrance::Make(making) => Some(making),
        Entrance::Found(_) => None,
    }
}

async fn answer(making: Making, body: &'static [u8], good: bool) {
    making.recording.begin(Head { status: StatusCode::OK, headers: HeaderMap::new() });
    making.recording.push(Bytes::from_static(body)).await;
    making.done(good);
}

#[tokio::test]
async fn an_answer_is_made_once_and_then_kept() {
    let cache = cache(100);
    let making = made(&cache, "a").unwrap();
    assert!(made(&cache, "a").is_none(), "it is being made");
    assert!(made(&cache, "b").is_some());
    answer(making, b"answer", true).await;
    assert!(made(&cache, "a").is_none() && cache.making().is_empty());
    assert!(cache.bytes() > 6);
}

#[tokio::test]
async fn a_bad_one_a_long_one_and_one_given_up_are_not_kept() {
    let cache = cache(5);
    answer(made(&cache, "bad").unwrap(), b"bad", false).await;
    answer(made(&cache, "long").unwrap(), b"answer", true).await;
    drop(made(&cache, "given up").unwrap());
    for name in ["bad", "long", "given up"] {
        assert!(made(&cache, name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn who_wants_a_fresh_one_makes_it_for_all_that_come_later() {
    let cache = cache(100);
    answer(made(&cache, "a").unwrap(), b"old", true).await;
    let fresh = Freshness { no_cache: true, ..Freshness::default() };
    let making = made_for(&cache, "a", fresh).unwrap();
    let Entrance::Found(reader) = cache.enter(key("a"), Freshness::default()) else {
        panic!("it is being made");
    };
    answer(making, b"new", true).await;
    assert_eq!(reader.whole().unwrap(), "new");
}

#[tokio::test]
async fn it_is_given_up_only_when_nobody_reads_it() {
    let cache = cache(100);
    let making = made(&cache, "a").unwrap();
    let Entrance::Found(reader) = cache.enter(key("a"), Freshness::default()) else {
        panic!("it is being made");
    };
    assert!(!making.give_up());
    drop(reader);
    assert!(making.give_up() && made(&cache, "a").is_some());
}
