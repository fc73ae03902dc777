//! The usage windows of a Claude account, as the program passes them on.

use crate::support::{House, hello};
use claude_code::{AccountWindow, Credentials};
use simulator::turn;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The API's headers about an account whose windows are used up so far.
fn with_windows(answer: simulator::Turn, five_hour: &str, seven_day: &str, reset: u64) -> simulator::Turn {
    let header = |name: &str| format!("anthropic-ratelimit-unified-{name}");
    let status = if five_hour == "1" { "rejected" } else { "allowed" };
    answer
        .header(header("status"), status)
        .header(header("representative-claim"), "five_hour")
        .header(header("reset"), reset.to_string())
        .header(header("5h-utilization"), five_hour)
        .header(header("5h-reset"), reset.to_string())
        .header(header("5h-status"), status)
        .header(header("7d-utilization"), seven_day)
        .header(header("7d-reset"), reset.to_string())
        .header(header("7d-status"), "allowed")
}

fn in_an_hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accounts_windows_are_kept_as_the_api_told_them() {
    let house = House::with(|mut settings| {
        settings.credentials = Credentials::OauthToken;
        settings
    })
    .await;
    assert_eq!(house.driver.account_windows(), []);
    let reset = in_an_hour();
    house.simulator.script(with_windows(turn().text("fine"), "0.25", "0.1", reset));
    let (_, error) = house.turn(&hello()).await;
    assert!(error.is_none(), "{error:?}");
    let window = |name, utilization| AccountWindow {
        name,
        utilization: Some(utilization),
        resets_at: reset,
        status: Some("allowed"),
    };
    let told = tokio::time::timeout(Duration::from_secs(5), async {
        // The program tells them after the answer.
        while house.driver.account_windows().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    told.await.unwrap();
    assert_eq!(house.driver.account_windows(), [window("five_hour", 0.25), window("seven_day", 0.1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_used_up_is_a_429_that_says_when_it_opens_again() {
    let house = House::with(|mut settings| {
        settings.credentials = Credentials::OauthToken;
        settings
    })
    .await;
    house.simulator.script(with_windows(turn().error(429), "1", "0.3", in_an_hour()).times(9));
    let (_, error) = house.turn(&hello()).await;
    let error = error.unwrap().error;
    assert_eq!(error.status, 429);
    let wait = error.retry_after.unwrap();
    assert!((3500..=3600).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(house.driver.account_windows()[0].status, Some("rejected"));
}
