//! What each key did. Of keys there are as many as the operator made; the number of labels is bounded all the same.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use messages::Usage;
use policy::prices::Usd;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::ledger::Payer;

/// Beyond so many keys, further ones are counted as `other`.
const MAX_KEY_LABELS: usize = 200;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct KeyLabels {
    key: String,
}

/// Counts by key, under its name.
#[derive(Default)]
pub(super) struct KeyCounters {
    pub(super) requests: Family<KeyLabels, Counter>,
    pub(super) tokens: Family<KeyLabels, Counter>,
    pub(super) cost: Family<KeyLabels, Counter<f64, AtomicU64>>,
    known: Mutex<HashSet<String>>,
}

impl KeyCounters {
    pub(super) fn observe(&self, payer: &Payer, usage: &Usage, cost: Option<Usd>) {
        if payer.name.is_empty() {
            return;
        }
        let labels = KeyLabels { key: self.label(&payer.name) };
        self.requests.get_or_create(&labels).inc();
        self.tokens.get_or_create(&labels).inc_by(usage.prompt_tokens().saturating_add(usage.output_tokens));
        self.cost.get_or_create(&labels).inc_by(cost.unwrap_or_default().dollars());
    }

    fn label(&self, name: &str) -> String {
        let Ok(mut known) = self.known.lock() else { return "other".into() };
        if known.contains(name) || (known.len() < MAX_KEY_LABELS && known.insert(name.to_owned())) {
            return name.to_owned();
        }
        "other".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_and_those_known_stay() {
        let counters = KeyCounters::default();
        let labels: HashSet<String> =
            (0..500).map(|number| counters.label(&format!("key {number}"))).collect();
        assert_eq!(labels.len(), MAX_KEY_LABELS + 1);
        assert_eq!(counters.label("key 7"), "key 7");
    }
}
