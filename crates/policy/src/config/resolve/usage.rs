//! What requests use and cost: the sections `usage` and `prices`, and the limits of configured keys.

use std::collections::BTreeMap;

use super::Resolver;
use crate::config::{Config, Usage, raw};
use crate::prices::Price;

pub(super) fn usage(raw: &raw::Usage) -> Usage {
    Usage { enabled: raw.enabled.unwrap_or(true), retention_days: raw.retention_days.unwrap_or(90) }
}

impl Resolver<'_> {
    pub(super) fn prices(&mut self, raw: Option<BTreeMap<String, Price>>) -> BTreeMap<String, Price> {
        let prices = raw.unwrap_or_default();
        if prices.keys().any(|pattern| pattern.trim().is_empty()) {
            self.problem("prices", "a pattern may not be empty");
        }
        prices
    }

    /// What can't hold is refused rather than forgotten.
    pub(super) fn check_limits(&mut self, config: &Config) {
        for (index, key) in config.auth.api_keys.iter().enumerate() {
            let path = format!("auth.api_keys[{index}].limits");
            if let Err(wrong) = key.terms.check() {
                self.problem(&format!("{path}.{}", wrong.field), wrong.text);
            }
            if key.terms.has_budget() && !config.usage.enabled {
                self.problem(&path, "a budget needs `usage.enabled`: it is reckoned by what was used before");
            }
        }
    }
}
