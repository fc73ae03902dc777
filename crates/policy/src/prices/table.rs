//! The table: which price a model has, and what that makes of its tokens.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tokens, Usd};
use crate::glob::{literals, matches};

/// Dollars per million tokens are picodollars per token, but for the factor.
const PICOS_PER_TOKEN: f64 = 1e6;
const PICOS_PER_SEARCH: f64 = 1e9;
const PICOS_PER_NANO: u128 = 1000;

static BUILT_IN: LazyLock<Prices> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/prices.json")).unwrap_or_default());

/// US dollars per million tokens, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Rates {
    /// Input beside the prompt cache.
    #[schemars(range(min = 0, max = 100_000))]
    pub input: f64,
    /// Output, thinking included.
    #[schemars(range(min = 0, max = 100_000))]
    pub output: f64,
    /// Input written to the prompt cache for five minutes. By default 1.25 times `input`.
    #[schemars(range(min = 0, max = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<f64>,
    /// Input written to the prompt cache for an hour. By default twice `input`.
    #[schemars(range(min = 0, max = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<f64>,
    /// Input read from the prompt cache. By default a tenth of `input`.
    #[schemars(range(min = 0, max = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
}

/// The price of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Price {
    /// What tokens cost.
    #[serde(flatten)]
    pub rates: Rates,
    /// What holds instead for all tokens of a request whose prompt is longer than `above` tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrice>,
}

/// The price of a long prompt.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LongPrice {
    /// Prompts of more tokens than this, cached ones included.
    pub above: u64,
    /// What tokens cost then.
    #[serde(flatten)]
    pub rates: Rates,
}

impl Price {
    /// Picodollars.
    fn cost(&self, tokens: &Tokens) -> u128 {
        let long = self.long.filter(|long| tokens.prompt() > long.above);
        let rates = long.map_or(self.rates, |long| long.rates);
        let kinds = [
            (tokens.input, rates.input),
            (tokens.output, rates.output),
            (tokens.cache_write_5m, rates.cache_write_5m.unwrap_or(rates.input * 1.25)),
            (tokens.cache_write_1h, rates.cache_write_1h.unwrap_or(rates.input * 2.0)),
            (tokens.cache_read, rates.cache_read.unwrap_or(rates.input / 10.0)),
        ];
        kinds.into_iter().map(|(count, dollars)| times(count, dollars * PICOS_PER_TOKEN)).sum()
    }
}

/// A price becomes a whole number before it is multiplied.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "prices are between 0 and 100,000: the schema and the test of the data see to that"
)]
fn times(count: u64, picos: f64) -> u128 {
    u128::from(count) * u128::from(picos.round() as u64)
}

/// Prices by pattern of the model's name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Prices {
    /// The day the facts were gathered.
    updated: String,
    /// What a batch pays of the price.
    batch: f64,
    /// Dollars per thousand searches.
    web_search: f64,
    models: BTreeMap<String, Price>,
    /// The operator's own, which go before all others.
    #[serde(skip)]
    over: BTreeMap<String, Price>,
}

impl Prices {
    /// The table that this program brings.
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// The same with prices that go before it.
    #[must_use]
    pub fn with(mut self, over: BTreeMap<String, Price>) -> Self {
        self.over = over;
        self
    }

    /// The day the facts were gathered, as `2026-11-22`.
    pub fn updated(&self) -> &str {
        &self.updated
    }

    /// What these tokens cost; `None` for a model without a price. `names` are all by which the model is known, the
    /// most exact first: its id at a cloud, then its plain id.
    pub fn cost(&self, names: &[&str], tokens: &Tokens) -> Option<Usd> {
        let price = self.price(names)?;
        let searches = times(tokens.web_searches, self.web_search * PICOS_PER_SEARCH);
        Some(nanos(price.cost(tokens) + searches))
    }

    /// The same at the price of a batch.
    pub fn batch_cost(&self, names: &[&str], tokens: &Tokens) -> Option<Usd> {
        let whole = self.price(names)?.cost(tokens);
        let searches = times(tokens.web_searches, self.web_search * PICOS_PER_SEARCH);
        let percent = times(1, self.batch * 100.0);
        Some(nanos(whole * percent / 100 + searches))
    }

    /// Whether this model has a price.
    pub fn knows(&self, names: &[&str]) -> bool {
        self.price(names).is_some()
    }

    fn price(&self, names: &[&str]) -> Option<&Price> {
        let of = |table| names.iter().find_map(|name| find(table, name));
        of(&self.over).or_else(|| of(&self.models))
    }
}

fn find<'t>(table: &'t BTreeMap<String, Price>, name: &str) -> Option<&'t Price> {
    let fitting = table.iter().filter(|(pattern, _)| matches(pattern, name));
    fitting.max_by_key(|(pattern, _)| (*pattern == name, literals(pattern))).map(|(_, price)| price)
}

/// Rounded to the nearest, so that many small amounts are not all too small.
fn nanos(picos: u128) -> Usd {
    let nanos = (picos + PICOS_PER_NANO / 2) / PICOS_PER_NANO;
    Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
