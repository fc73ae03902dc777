//! The usage windows of a Claude account: what the API told the program about them last, for the operator alone.
//!
//! The program writes a `rate_limit_event` when a window changes, only under a Claude account. Processes come and go;
//! what they told stays here until the window it was about has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use messages::json::Text;
use serde::Deserialize;

/// How the program begins such a line: all others are left unread.
const LINE_START: &[u8] = br#"{"type":"rate_limit_event","#;
/// The windows there are: 5 hours, 7 days, 7 days of one line of models, paid extra usage.
const NAMES: [&str; 6] =
    ["five_hour", "seven_day", "seven_day_opus", "seven_day_sonnet", "seven_day_overage_included", "overage"];
const STATUSES: [&str; 3] = ["allowed", "allowed_warning", "rejected"];

/// One window of an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountWindow {
    /// `five_hour`, `seven_day`, …
    pub name: &'static str,
    /// The part of it that is used; 1 is all.
    pub utilization: Option<f64>,
    /// When it ends, in seconds since 1970.
    pub resets_at: u64,
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: Option<&'static str>,
}

/// The windows seen last. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct AccountWindows(Arc<Mutex<Vec<AccountWindow>>>);

impl AccountWindows {
    /// Takes in a line of the program, if it tells of windows.
    pub(crate) fn observe(&self, line: &[u8]) {
        if line.starts_with(LINE_START)
            && let Ok(event) = serde_json::from_slice::<EventWire<'_>>(line)
        {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for window in event.rate_limit_info.windows() {
                known.retain(|other| other.name != window.name);
                known.push(window);
            }
        }
    }

    /// The windows that have not ended yet, in a fixed order.
    pub(crate) fn current(&self) -> Vec<AccountWindow> {
        self.at(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    fn at(&self, now: u64) -> Vec<AccountWindow> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = |name| known.iter().find(|window| window.name == name && window.resets_at > now);
        NAMES.into_iter().filter_map(current).copied().collect()
    }
}

#[derive(Deserialize)]
struct EventWire<'a> {
    #[serde(borrow)]
    rate_limit_info: InfoWire<'a>,
}

/// The window that limits, and beside it every window by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InfoWire<'a> {
    #[serde(borrow)]
    rate_limit_type: Option<Text<'a>>,
    utilization: Option<f64>,
    resets_at: Option<f64>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    unified_windows: Option<HashMap<String, WindowWire<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WindowWire<'a> {
    utilization: Option<f64>,
    resets_at: Option<f64>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

impl InfoWire<'_> {
    /// Every window by name; of an older program, the limiting one alone.
    fn windows(self) -> Vec<AccountWindow> {
        let Self { rate_limit_type, utilization, resets_at, status, unified_windows } = self;
        match unified_windows {
            Some(all) => all.iter().filter_map(|(name, window)| window.named(name)).collect(),
            None => {
                let limiting = WindowWire { utilization, resets_at, status };
                rate_limit_type.iter().filter_map(|name| limiting.named(&name.0)).collect()
            }
        }
    }
}

impl WindowWire<'_> {
    fn named(&self, name: &str) -> Option<AccountWindow> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates: no date is lost"
        )]
        let resets_at = self.resets_at? as u64;
        let status = self.status.as_ref().and_then(|status| known(&STATUSES, &status.0));
        Some(AccountWindow { name: known(&NAMES, name)?, utilization: self.utilization, resets_at, status })
    }
}

/// Names become labels of metrics: only those that are known.
fn known(all: &[&'static str], name: &str) -> Option<&'static str> {
    all.iter().copied().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the program writes it.
    fn line(used: f64, status: &str) -> String {
        format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":2000,"rateLimitType":"five_hour","isUsingOverage":false,"unifiedWindows":{{"five_hour":{{"utilization":{used},"resetsAt":2000,"status":"{status}"}},"seven_day":{{"utilization":0.1,"resetsAt":9000,"status":"allowed"}},"brand_new":{{"utilization":1,"resetsAt":9000}}}}}},"uuid":"u","session_id":"s"}}"#
        )
    }

    fn after(lines: &[String]) -> AccountWindows {
        let windows = AccountWindows::default();
        lines.iter().for_each(|line| windows.observe(line.as_bytes()));
        windows
    }

    fn names(windows: &[AccountWindow]) -> Vec<&str> {
        windows.iter().map(|window| window.name).collect()
    }

    #[test]
    fn what_was_told_last_counts_and_unknown_windows_are_left_out() {
        let windows = after(&[line(0.25, "allowed"), line(1.0, "rejected")]).at(1000);
        assert_eq!(names(&windows), ["five_hour", "seven_day"]);
        let expected = AccountWindow {
            name: "five_hour",
            utilization: Some(1.0),
            resets_at: 2000,
            status: Some("rejected"),
        };
        assert_eq!(windows[0], expected);
    }

    #[test]
    fn a_window_that_has_ended_is_not_told() {
        assert_eq!(names(&after(&[line(0.25, "allowed")]).at(2000)), ["seven_day"]);
    }

    #[test]
    fn an_older_program_tells_of_the_limiting_window_alone() {
        let line = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":2000,"rateLimitType":"seven_day","utilization":0.8}}"#;
        let windows = after(&[line.to_owned()]).at(1000);
        assert_eq!((names(&windows), windows[0].utilization), (vec!["seven_day"], Some(0.8)));
    }

    #[test]
    fn other_lines_and_malformed_ones_change_nothing() {
        let text = format!(r#"{{"type":"assistant","message":{}}}"#, line(0.5, "allowed"));
        let odd = r#"{"type":"rate_limit_event","rate_limit_info":7}"#.to_owned();
        assert_eq!(after(&[text, odd]).at(0), []);
    }
}
