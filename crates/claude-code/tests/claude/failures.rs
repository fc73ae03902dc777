//! How turns fail: with the API's own status, in the stream once it has begun, and without a trace.

use std::time::{Duration, Instant};

use crate::support::{House, descendants, descriptors, hello, names, programs};
use claude_code::{Credentials, Settings};
use futures_util::StreamExt;
use messages::ErrorKind;
use simulator::turn;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_status_arrives_as_it_was() {
    for (status, kind) in [
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::Authentication),
        (403, ErrorKind::Permission),
        (404, ErrorKind::NotFound),
        (413, ErrorKind::RequestTooLarge),
        (429, ErrorKind::RateLimit),
        (500, ErrorKind::Api),
        (529, ErrorKind::Overloaded),
    ] {
        let house = House::new().await;
        house.simulator.script(turn().error(status).message("the reason").times(5));
        let (events, error) = house.turn(&hello()).await;
        let error = error.unwrap().error;
        assert_eq!((error.status, error.kind, events.len()), (status, kind, 0));
        if !matches!(status, 404 | 413) {
            assert!(error.message.contains("the reason"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_login_the_answer_is_401_and_never_model_text() {
    let house = House::with(|settings| Settings {
        credentials: Credentials::Login,
        operator_env: [("HOME".into(), settings.scratch_root.with_file_name("home").into())]
            .into_iter()
            .collect(),
        ..settings
    })
    .await;
    let (events, error) = house.turn(&hello()).await;
    let error = error.unwrap().error;
    assert_eq!((error.status, events.len()), (401, 0));
    assert!(error.message.contains("claude auth login"), "{error}");
    assert!(house.simulator.requests().is_empty());
    assert!(!house.driver.auth_status().await.unwrap().logged_in);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_ends_with_an_error_and_never_looks_complete() {
    let half = || turn().text("half").hold();
    for script in [half().cut(), half().stream_error("overloaded_error", "Overloaded")] {
        let house = House::new().await;
        house.simulator.script(script);
        let mut stream = house.start(&hello()).await.unwrap();
        // Broken off at once, it may be an error without any event.
        let mut seen = Vec::new();
        while !names(&seen).contains(&"content_block_delta") {
            seen.push(stream.next().await.unwrap().unwrap());
        }
        house.simulator.release();
        let (rest, error) = crate::support::collect(stream).await;
        assert!(error.is_some());
        assert!(!names(&rest).contains(&"message_stop"), "{rest:?}");
        assert_eq!(house.simulator.requests().len(), 1, "the program does not try again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_ends_the_stream_with_an_error() {
    let house = House::new().await;
    house.simulator.script(turn().text("half").stall());
    let mut stream = house.start(&hello()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    for pid in programs() {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    let (_, error) = crate::support::collect(stream).await;
    let error = error.unwrap();
    assert_eq!((error.error.status, error.error.kind), (500, ErrorKind::Api));
    assert!(error.detail.contains("signal: 9"), "{error}");
    house.nothing_is_left_within(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_ends_the_upstream_request_within_a_second_and_the_process_within_five() {
    let house = House::new().await;
    house.simulator.script(turn().text("half").stall());
    let mut stream = house.start(&hello()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(house.simulator.active(), 1);
    let dropped = Instant::now();
    drop(stream);
    assert!(house.simulator.active_becomes(0, Duration::from_secs(1)).await);
    house.nothing_is_left_within(Duration::from_secs(5).saturating_sub(dropped.elapsed())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_before_the_first_event_leaves_nothing() {
    let house = House::new().await;
    house.simulator.script(turn().first(simulator::Before::Stall));
    let request = hello();
    let abandoned = tokio::time::timeout(Duration::from_secs(3), house.start(&request)).await;
    assert!(abandoned.is_err());
    assert!(house.simulator.active_becomes(0, Duration::from_secs(1)).await);
    house.nothing_is_left_within(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_a_timeout() {
    let house =
        House::with(|settings| Settings { silence_timeout: Duration::from_secs(2), ..settings }).await;
    house.simulator.script(turn().first(simulator::Before::Stall));
    let (_, error) = house.turn(&hello()).await;
    assert_eq!(error.unwrap().error.kind, ErrorKind::Timeout);
    house.nothing_is_left_within(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_free_place_a_turn_is_refused_and_may_come_again() {
    let house = House::with(|settings| Settings {
        max_processes: 1,
        queue_timeout: Duration::from_millis(200),
        ..settings
    })
    .await;
    house.simulator.script(turn().text("x").stall());
    let first = house.start(&hello()).await.unwrap();
    let error = house.start(&hello()).await.unwrap_err().error;
    assert_eq!((error.status, error.kind), (529, ErrorKind::Overloaded));
    assert!(error.retry_after.is_some());
    drop(first);
    house.nothing_is_left_within(Duration::from_secs(5)).await;
    assert!(house.turn(&hello()).await.1.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_every_turn_with_an_error() {
    let house = House::new().await;
    house.simulator.script(turn().text("half").stall());
    let stream = house.start(&hello()).await.unwrap();
    house.driver.shutdown().await;
    assert!(descendants().is_empty());
    assert_eq!(crate::support::collect(stream).await.1.unwrap().error.kind, ErrorKind::Overloaded);
    assert!(house.start(&hello()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_turns_leave_no_process_descriptor_or_file() {
    for credentials in [Credentials::ApiKey, Credentials::OauthToken] {
        let house = House::with(|settings| Settings { credentials, ..settings }).await;
        assert!(house.turn(&hello()).await.1.is_none());
        house.nothing_is_left_within(Duration::from_secs(5)).await;
        let before = descriptors();
        for round in 0..6 {
            match round % 3 {
                0 => house.simulator.script(turn().text("whole")),
                1 => house.simulator.script(turn().text("limit").stop("max_tokens")),
                _ => house.simulator.script(turn().text("half").cut()),
            }
            house.turn(&hello()).await;
        }
        house.nothing_is_left_within(Duration::from_secs(5)).await;
        // The simulator closes its side of the connections in its own time.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(descriptors() <= before, "{} descriptors, {before} before", descriptors());
        let sessions = std::fs::read_dir(house.home.join(".claude/sessions")).map_or(0, Iterator::count);
        assert_eq!(sessions, 0, "a killed program leaves nothing in the operator's home");
    }
}

/// `CCP_TEST_TURNS` sets how many follow one another (make test-claude: 200).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_and_sequential_turns_leave_nothing() {
    let house = House::with(|settings| Settings { max_processes: 20, ..settings }).await;
    assert!(house.turn(&hello()).await.1.is_none());
    house.nothing_is_left_within(Duration::from_secs(5)).await;
    let before = descriptors();
    let request = hello();
    let turns = futures_util::future::join_all((0..20).map(|_| house.turn(&request))).await;
    assert!(turns.iter().all(|(_, error)| error.is_none()), "{turns:?}");
    let sequential = std::env::var("CCP_TEST_TURNS").ok().and_then(|turns| turns.parse().ok()).unwrap_or(5);
    for _ in 0..sequential {
        assert!(house.turn(&hello()).await.1.is_none());
    }
    house.nothing_is_left_within(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(descriptors() <= before, "{} descriptors, {before} before", descriptors());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_too_old_is_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("claude");
    std::fs::write(&old, "#!/bin/sh\necho '2.1.247 (Claude Code)'\n").unwrap();
    std::fs::set_permissions(&old, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let house = House::with(|settings| Settings { program: old, ..settings }).await;
    let error = house.start(&hello()).await.unwrap_err();
    assert!(error.detail.contains("2.1.247") && error.detail.contains("2.1.248"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_sees_what_was_decided_and_nothing_else() {
    let house = House::with(|settings| Settings {
        extra_env: vec![("NO_PROXY".into(), "127.0.0.1".into())],
        ..settings
    })
    .await;
    house.simulator.script(turn().text("half").stall());
    let _stream = house.start(&hello()).await.unwrap();
    let [pid] = programs()[..] else { panic!("one process") };
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap();
    let list = |bytes: Vec<u8>| -> Vec<String> {
        bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    };
    let environment = list(read("environ"));
    assert!(environment.contains(&"NO_PROXY=127.0.0.1".to_string()));
    assert!(
        !environment.iter().any(|line| line.starts_with("CARGO") || line.contains("OAUTH")),
        "{environment:?}"
    );
    let arguments = list(read("cmdline"));
    assert!(arguments.contains(&"--model=claude-sonnet-5-5".to_string()), "{arguments:?}");
    assert!(!arguments.iter().any(|argument| argument.contains("hello")));
    let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert!(directory.starts_with(house.scratch.canonicalize().unwrap()));
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 0);
}
