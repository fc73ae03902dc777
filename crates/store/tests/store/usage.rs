//! The ledger of usage.

use std::time::Duration;

use store::{
    GroupBy, LedgerState, SqliteUsage, UsageGroup, UsageLedger, UsageQuery, UsageRow, UsageSettings,
    UsageTokens,
};
use tempfile::TempDir;

use crate::support::now;

const DAY_MS: u64 = 86_400_000;

fn settings(dir: &TempDir) -> UsageSettings {
    UsageSettings { dir: dir.path().to_owned(), retention_days: 90, patience: Duration::from_secs(20) }
}

fn row(id: &str, key: &str, time_ms: u64) -> UsageRow {
    UsageRow {
        id: id.into(),
        time_ms,
        key: key.into(),
        key_name: format!("{key}-name"),
        dialect: "anthropic",
        endpoint: "messages",
        model_asked: "sonnet".into(),
        model_served: "claude-sonnet-5-5".into(),
        backend: "main".into(),
        attempts: 1,
        status: 200,
        stream: false,
        ended: "complete",
        estimated: false,
        tokens: UsageTokens { input: 10, output: 20, cache_read: 5, ..UsageTokens::default() },
        cost_nanos: Some(1000),
        duration_us: 7,
        first_byte_us: None,
        overhead_us: 1,
        bytes_in: 100,
        bytes_out: 200,
    }
}

fn today() -> u64 {
    now() * 1000
}

fn by(by: GroupBy) -> UsageQuery {
    UsageQuery { by, since_ms: None, until_ms: None, key: None }
}

async fn total(ledger: &SqliteUsage, query: UsageQuery) -> (u64, u64, u64) {
    let groups = ledger.report(query).await.unwrap();
    let sum = |of: fn(&UsageGroup) -> u64| groups.iter().map(of).sum();
    (sum(|group| group.requests), sum(|group| group.tokens.output), sum(|group| group.cost_nanos))
}

#[tokio::test]
async fn a_report_adds_up_by_what_was_asked_and_knows_rows_taken_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    ledger.record(row("a", "key_1", today()));
    ledger.record(UsageRow { status: 429, estimated: true, cost_nanos: None, ..row("b", "key_1", today()) });
    ledger.record(UsageRow { backend: "aws".into(), ..row("c", "key_2", today() - 3 * DAY_MS) });
    let keys = ledger.report(by(GroupBy::Key)).await.unwrap();
    let shown: Vec<_> = keys.iter().map(|key| (&*key.group, &*key.name, key.requests)).collect();
    assert_eq!(shown, [("key_1", "key_1-name", 2), ("key_2", "key_2-name", 1)]);
    assert_eq!((keys[0].errors, keys[0].estimated, keys[0].unpriced, keys[0].cost_nanos), (1, 1, 1, 1000));
    assert_eq!((keys[0].tokens.input, keys[0].tokens.cache_read), (20, 10));
    assert_eq!(ledger.report(by(GroupBy::Day)).await.unwrap().len(), 2);
    assert_eq!(ledger.report(by(GroupBy::Model)).await.unwrap().len(), 1);
    assert_eq!(ledger.report(by(GroupBy::Backend)).await.unwrap()[0].group, "main");
    let query = UsageQuery { key: Some("key_2-name".into()), ..by(GroupBy::Day) };
    assert_eq!(total(&ledger, query).await, (1, 20, 1000));
    let query = UsageQuery { since_ms: Some(today() - DAY_MS), ..by(GroupBy::Key) };
    assert_eq!(total(&ledger, query).await.0, 2);
    let query = UsageQuery { until_ms: Some(today() - DAY_MS), ..by(GroupBy::Key) };
    assert_eq!(total(&ledger, query).await.0, 1);
}

#[tokio::test]
async fn a_row_of_the_same_id_is_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    for _ in 0..3 {
        ledger.record(row("a", "key_1", today()));
    }
    assert_eq!(total(&ledger, by(GroupBy::Key)).await, (1, 20, 1000));
}

#[tokio::test]
async fn what_was_closed_is_there_again_and_readers_work_beside_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SqliteUsage::open_to_read(&settings(&dir)).unwrap().is_none(), "reading makes no file");
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    (0..5000).for_each(|number| ledger.record(row(&format!("row_{number}"), "key_1", today())));
    assert_eq!(total(&ledger, by(GroupBy::Key)).await.0, 5000);
    let beside = SqliteUsage::open_to_read(&settings(&dir)).unwrap().unwrap();
    assert_eq!(total(&beside, by(GroupBy::Key)).await.0, 5000);
    ledger.record(row("last", "key_1", today()));
    ledger.close().await;
    assert_eq!(total(&beside, by(GroupBy::Key)).await.0, 5001);
    assert_eq!(ledger.state(), LedgerState::default());
    ledger.record(row("too late", "key_1", today()));
    assert_eq!(ledger.state().lost, 1, "nothing is lost without being counted");
}

#[tokio::test]
async fn a_row_is_on_disk_within_a_second_without_anybody_asking() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    let beside = SqliteUsage::open_to_read(&settings(&dir)).unwrap().unwrap();
    ledger.record(row("a", "key_1", today()));
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(total(&beside, by(GroupBy::Key)).await.0, 1);
}

#[tokio::test]
async fn old_rows_are_forgotten_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    ledger.record(row("old", "key_1", today() - 91 * DAY_MS));
    ledger.record(row("new", "key_1", today() - 89 * DAY_MS));
    ledger.close().await;
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    assert_eq!(total(&ledger, by(GroupBy::Key)).await.0, 1);
}

#[tokio::test]
async fn what_was_spent_is_told_by_day_and_month() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    for (id, age) in [("a", 0), ("b", 2), ("c", 40)] {
        ledger.record(row(id, "key_1", today() - age * DAY_MS));
    }
    ledger.close().await;
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    let spent = ledger.spent(today() - DAY_MS, today() - 31 * DAY_MS).await.unwrap();
    assert_eq!(spent.len(), 1);
    assert_eq!((spent[0].day_nanos, spent[0].month_nanos), (1000, 2000));
}

#[tokio::test]
async fn rows_that_can_not_be_written_wait_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteUsage::open(&settings(&dir)).unwrap();
    let other = rusqlite::Connection::open(dir.path().join("usage.sqlite")).unwrap();
    // Another program holds the file for longer than the ledger's patience with it.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ledger.record(row("a", "key_1", today()));
    while ledger.state().failures == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(total(&ledger, by(GroupBy::Key)).await.0, 1);
    assert_eq!(ledger.state().lost, 0);
}
