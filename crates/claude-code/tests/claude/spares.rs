//! Processes started ahead of the requests: what they give, and what they never take.

use std::time::{Duration, Instant};

use crate::support::{House, descendants, hello, names, programs};
use claude_code::{Driver, Settings, Spares};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use simulator::turn;

const MODEL: &str = "claude-sonnet-5-5";

pub(crate) fn keeping(min_idle: usize, max_idle: usize) -> impl FnOnce(Settings) -> Settings {
    let spares = Spares { default_model: Some(MODEL.into()), min_idle, max_idle, ..Spares::default() };
    // No process stays for its conversation's next request: only spares are left.
    move |settings| Settings { spares, idle_time: Duration::ZERO, ..settings }
}

pub(crate) async fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(limit, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} within {limit:?}");
}

/// A house with a spare that has had the time to load.
pub(crate) async fn warm(change: impl FnOnce(Settings) -> Settings) -> House {
    let house = House::with(change).await;
    house.driver.version().await.unwrap();
    house.driver.keep_spares();
    has_spares(&house.driver, 1).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    house
}

pub(crate) async fn has_spares(driver: &Driver, count: usize) {
    until(&format!("{count} spares"), Duration::from_secs(20), || driver.counts().spare == count).await;
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// The processes that serve, or would serve, the default model.
fn of_default_model() -> usize {
    let argument = format!("--model={MODEL}");
    let command = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    programs().iter().filter(|pid| command(pid).contains(&argument)).count()
}

/// Without what differs between any two processes: the session in `metadata`.
fn comparable(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("metadata");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_sends_upstream_what_a_fresh_process_would() {
    let mut request = hello();
    request["system"] = "Be brief.".into();
    request["tools"] = serde_json::json!([
        {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}},
    ]);
    request["stop_sequences"] = serde_json::json!(["END"]);
    request["messages"] = serde_json::json!([
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"},
    ]);
    let fresh = {
        let house = House::new().await;
        assert!(house.turn(&request).await.1.is_none());
        house.upstream().json()
    };
    let house = warm(keeping(1, 1)).await;
    let spare = programs();
    house.simulator.script(turn().text("half").stall());
    let stream = house.start(&request).await.unwrap();
    assert!(spare.iter().all(|pid| programs().contains(pid)), "the spare serves");
    assert_eq!(comparable(house.upstream().json()), comparable(fresh));
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_shortens_the_way_to_the_first_event() {
    let mut times: [Vec<u128>; 2] = Default::default();
    for _ in 0..5 {
        let cold = House::new().await;
        cold.driver.version().await.unwrap();
        let began = Instant::now();
        let stream = cold.start(&hello()).await.unwrap();
        times[0].push(began.elapsed().as_millis());
        drop((stream, cold));
        let house = warm(keeping(1, 1)).await;
        let began = Instant::now();
        let stream = house.start(&hello()).await.unwrap();
        times[1].push(began.elapsed().as_millis());
        drop((stream, house));
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    println!("first event in ms: cold {:?}, warm spare {:?}", times[0], times[1]);
    assert!(times[1][0] < times[0][4], "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_that_was_killed_is_never_handed_out_and_is_replaced() {
    let house = warm(keeping(1, 1)).await;
    for _ in 0..3 {
        programs().into_iter().for_each(kill);
        let (events, error) = house.turn(&hello()).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(names(&events).last(), Some(&"message_stop"));
        until("another spare", Duration::from_secs(20), || programs().len() == 1).await;
    }
    let killed = programs();
    killed.iter().copied().for_each(kill);
    until("it is noticed", Duration::from_secs(1), || house.driver.counts().spare == 0).await;
    has_spares(&house.driver, 1).await;
    assert!(programs().iter().all(|pid| !killed.contains(pid)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_gives_its_place_to_a_request_for_another_model_and_none_is_started_in_a_full_house() {
    let house = warm(|settings| Settings { max_processes: 1, ..keeping(1, 4)(settings) }).await;
    house.simulator.script(turn().text("half").stall());
    let mut other = hello();
    other["model"] = "claude-haiku-4-5".into();
    let stream = house.start(&other).await.unwrap();
    for _ in 0..20 {
        assert_eq!((house.driver.counts().spare, of_default_model()), (0, 0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stream);
    has_spares(&house.driver, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_leaves_as_many_spares_as_the_limit_allows() {
    let house = House::with(keeping(0, 2)).await;
    assert_eq!(house.driver.counts().spare, 0);
    let request = hello();
    let turns = futures_util::future::join_all((0..3).map(|_| house.turn(&request))).await;
    assert!(turns.iter().all(|(_, error)| error.is_none()), "{turns:?}");
    has_spares(&house.driver, 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.driver.counts().spare, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_that_grew_old_is_replaced() {
    let spares = Spares { max_age: Duration::from_secs(3), ..keeping(1, 1)(settings()).spares };
    let _house = warm(|settings| Settings { spares, ..settings }).await;
    let first = programs();
    until("another one", Duration::from_secs(20), || {
        let now = programs();
        now.len() == 1 && now != first
    })
    .await;
}

fn settings() -> Settings {
    Settings::new("/claude", claude_code::Credentials::ApiKey, "/scratch")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_memory_for_one_more_there_is_no_spare_and_requests_are_served() {
    let spares = Spares { max_memory_bytes: Some(50 << 20), ..keeping(1, 2)(settings()).spares };
    let house = House::with(|settings| Settings { spares, idle_time: Duration::ZERO, ..settings }).await;
    assert!(house.turn(&hello()).await.1.is_none());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((house.driver.counts().spare, descendants().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_want_of_memory_a_process_that_waits_is_given_up_and_a_running_one_is_not() {
    let spares = Spares { max_memory_bytes: Some(50 << 20), ..Spares::default() };
    let house =
        House::with(|settings| Settings { spares, idle_time: Duration::from_secs(60), ..settings }).await;
    house.simulator.script(turn().text("half").stall());
    let running = house.start(&hello()).await.unwrap();
    let runs = programs();
    assert!(house.turn(&hello()).await.1.is_none());
    until("only the running one is left", Duration::from_secs(20), || programs() == runs).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(programs(), runs);
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_the_spares_loaded_or_not() {
    for wait in [0, 200, 3000] {
        let house = House::with(keeping(2, 3)).await;
        house.driver.keep_spares();
        has_spares(&house.driver, 1).await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        house.driver.shutdown().await;
        assert!(descendants().is_empty());
        house.nothing_is_left_within(Duration::from_millis(100)).await;
        assert_eq!(house.driver.counts().spare, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_too_old_or_too_large_does_not_wait_for_the_next_request() {
    let idle_time = Duration::from_secs(60);
    let stays = |change: fn(Settings) -> Settings| async move {
        let house = House::with(|settings| change(Settings { idle_time, ..settings })).await;
        assert!(house.turn(&hello()).await.1.is_none());
        tokio::time::sleep(Duration::from_secs(1)).await;
        !descendants().is_empty()
    };
    assert!(stays(|settings| Settings { process_max_memory_bytes: Some(1 << 30), ..settings }).await);
    assert!(!stays(|settings| Settings { process_max_memory_bytes: Some(1 << 20), ..settings }).await);
    assert!(!stays(|settings| Settings { process_max_age: Duration::from_millis(1), ..settings }).await);
}
