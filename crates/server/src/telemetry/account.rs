//! The usage windows of the account behind a backend, as gauges. A window that has ended is not shown.

use std::sync::atomic::AtomicU64;

use backends::AccountWindow;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WindowLabels {
    backend: String,
    window: &'static str,
}

/// The gauges of all windows.
#[derive(Default)]
pub(crate) struct AccountGauges {
    utilization: Family<WindowLabels, Gauge<f64, AtomicU64>>,
    reset: Family<WindowLabels, Gauge<f64, AtomicU64>>,
}

impl AccountGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Part of the Claude account's usage window that is used; 1 is all";
        registry.register_with_unit(
            "account_window_utilization",
            help,
            Unit::Ratios,
            self.utilization.clone(),
        );
        let help = "When the Claude account's usage window ends, in seconds since 1970";
        registry.register_with_unit(
            "account_window_reset_timestamp",
            help,
            Unit::Seconds,
            self.reset.clone(),
        );
    }

    /// The windows as they are now; others are forgotten.
    pub(crate) fn set(&self, backend: &str, windows: &[AccountWindow]) {
        self.utilization.clear();
        self.reset.clear();
        for window in windows {
            let labels = WindowLabels { backend: backend.to_owned(), window: window.name };
            if let Some(used) = window.utilization {
                self.utilization.get_or_create(&labels).set(used);
            }
            #[expect(clippy::cast_precision_loss, reason = "a date in seconds is far from 2^53")]
            self.reset.get_or_create(&labels).set(window.resets_at as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AccountGauges;
    use backends::AccountWindow;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn windows_are_shown_until_they_have_ended() {
        let (mut registry, gauges) = (Registry::with_prefix("ccp"), AccountGauges::default());
        gauges.register(&mut registry);
        let window =
            AccountWindow { name: "five_hour", utilization: Some(0.25), resets_at: 7200, status: None };
        let text = |windows: &[AccountWindow]| {
            gauges.set("claude-code", windows);
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let shown = text(&[window]);
        let labels = r#"{backend="claude-code",window="five_hour"}"#;
        assert!(shown.contains(&format!("ccp_account_window_utilization_ratios{labels} 0.25")), "{shown}");
        assert!(
            shown.contains(&format!("ccp_account_window_reset_timestamp_seconds{labels} 7200")),
            "{shown}"
        );
        assert!(!text(&[]).contains("five_hour"));
    }
}
