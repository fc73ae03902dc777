//! Starts that go wrong, and what is left when a server is killed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::spares::{has_spares, keeping, until, warm};
use crate::support::{House, descendants, executable, hello, names, programs};
use claude_code::{Driver, Settings};
use messages::ErrorKind;

/// The real program, but for the first process, which loads and then dies at the first thing it is told.
fn dying_once(folder: &Path) -> PathBuf {
    let (program, real) = (folder.join("claude"), crate::support::program());
    let script = format!(
        "#!/bin/sh\n[ \"$1\" != --version ] && /bin/mkdir '{}' 2>/dev/null || exec '{}' \"$@\"\n\
         read -r line\nid=${{line#*request_id\\\":\\\"}}\nid=${{id%%\\\"*}}\n\
         echo '{{\"type\":\"control_response\",\"response\":{{\"subtype\":\"success\",\"request_id\":\"'$id'\"}}}}'\n\
         read -r line\nexit 1\n",
        folder.join("first").display(),
        real.display()
    );
    executable(&program, &script);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_spare_dies_when_it_is_bound_is_served_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let program = dying_once(folder.path());
    let house = warm(|settings| Settings { program, ..keeping(1, 1)(settings) }).await;
    let (events, error) = house.turn(&hello()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(names(&events).last(), Some(&"message_stop"));
    house.upstream();
    assert!(folder.path().join("first").exists(), "the first one was a spare");
}

/// A program that tells a good version, and otherwise notes that it was started and fails.
fn failing(folder: &Path) -> PathBuf {
    let program = folder.join("claude");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo '{} (Claude Code)' && exit\necho start >> '{}'\necho 'cannot load' >&2\nexit 3\n",
        *claude_code::TESTED_VERSION,
        folder.join("starts").display()
    );
    executable(&program, &script);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_never_starts_is_not_started_over_and_over() {
    let folder = tempfile::tempdir().unwrap();
    let program = failing(folder.path());
    let starts =
        || std::fs::read_to_string(folder.path().join("starts")).map_or(0, |text| text.lines().count());
    let house = House::with(|settings| Settings { program, ..settings }).await;
    for _ in 0..3 {
        assert_eq!(house.start(&hello()).await.unwrap_err().error.status, 500);
    }
    assert_eq!(starts(), 3);
    let began = Instant::now();
    let refused = house.start(&hello()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(500));
    assert_eq!((refused.error.kind, starts()), (ErrorKind::Overloaded, 3));
    assert!(refused.error.retry_after.is_some_and(|wait| wait <= Duration::from_millis(1200)));
    assert!(refused.detail.contains("exit status: 3") && refused.detail.contains("cannot load"), "{refused}");
    assert!(!refused.error.message.contains("cannot load"));
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(house.start(&hello()).await.unwrap_err().error.status, 500);
    assert_eq!(starts(), 4, "after the delay it is tried once");
    let again = house.start(&hello()).await.unwrap_err().error;
    assert!(again.retry_after.is_some_and(|wait| wait > Duration::from_millis(1200)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spares_of_a_program_that_never_starts_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let program = failing(folder.path());
    let house = House::with(|settings| Settings { program, ..keeping(1, 1)(settings) }).await;
    house.driver.keep_spares();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let starts = std::fs::read_to_string(folder.path().join("starts")).unwrap().lines().count();
    assert!((1..=4).contains(&starts), "{starts} starts in 8 s");
    house.nothing_is_left_within(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_is_shut_down_ends_its_spares_and_leaves_no_directory() {
    let mut settings = None;
    let house = House::with(|of_house| {
        settings = Some(of_house.clone());
        keeping(1, 1)(of_house)
    })
    .await;
    let scratch_root = house.scratch.with_file_name("other").join("1");
    let settings = Settings { scratch_root: scratch_root.clone(), ..keeping(1, 1)(settings.unwrap()) };
    let driver = Driver::new(settings).unwrap();
    driver.keep_spares();
    has_spares(&driver, 1).await;
    // Whoever sweeps after a kill has to know it.
    let noted = || {
        let scratch = std::fs::read_dir(&scratch_root).ok()?.next()?.ok()?.path();
        let record = std::fs::read_to_string(scratch.join("process")).ok()?;
        record.split(' ').next()?.parse::<i32>().ok()
    };
    until("its process is noted", Duration::from_secs(10), || noted().is_some()).await;
    assert!(programs().contains(&noted().unwrap()));
    driver.shutdown().await;
    drop(driver);
    let empty = || std::fs::read_dir(house.scratch.with_file_name("other")).unwrap().count() == 0;
    until("no directory and no record", Duration::from_secs(10), || empty() && descendants().is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_sweeps_what_a_killed_one_left() {
    let folder = tempfile::Builder::new().prefix("ccp").tempdir().unwrap();
    let left = folder.path().join("77/0123abcd");
    std::fs::create_dir_all(left.join("w")).unwrap();
    // A process of this number and start is long gone.
    std::fs::write(folder.path().join("77.instance"), "1 1\n").unwrap();
    let scratch_root = folder.path().join("78");
    let house = House::with(|settings| Settings { scratch_root, ..settings }).await;
    assert!(!left.exists() && !folder.path().join("77.instance").exists());
    assert!(house.turn(&hello()).await.1.is_none());
}
