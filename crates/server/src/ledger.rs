//! What an exchange used and cost: reckoned here, kept by the store.

use std::sync::Arc;
use std::time::SystemTime;

use dialects::models;
use messages::{StopReason, Usage};
use policy::access::Identity;
use policy::prices::{Prices, Tokens, Usd};
use store::{UsageLedger, UsageRow, UsageTokens};

use crate::context::{Caller, Context};
use crate::dialect::Dialect;

/// The ledger and the prices that it is kept by.
pub(crate) struct Ledger {
    store: Option<Arc<dyn UsageLedger>>,
    prices: Prices,
}

/// Whose exchange it is, as the ledger names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payer {
    pub(crate) key: String,
    pub(crate) name: String,
}

impl Payer {
    /// A caller without a key is not told from others: no address is kept.
    pub(crate) fn of(caller: &Caller) -> Self {
        let named = |name: &str| Self { key: name.to_owned(), name: name.to_owned() };
        match &caller.identity {
            Some(Identity::Key(id)) => Self { key: id.id().to_owned(), name: id.to_string() },
            Some(Identity::Local) => named("local"),
            Some(Identity::Open) | None => named("open"),
        }
    }

    /// The owner of something that an earlier server left; its name is not known here.
    pub(crate) fn owner(owner: &str) -> Self {
        let key = if owner.starts_with("key_") || owner == "local" { owner } else { "open" };
        Self { key: key.to_owned(), name: key.to_owned() }
    }
}

impl Ledger {
    pub(crate) fn new(store: Option<Arc<dyn UsageLedger>>, prices: Prices) -> Self {
        Self { store, prices }
    }

    pub(crate) fn store(&self) -> Option<&Arc<dyn UsageLedger>> {
        self.store.as_ref()
    }

    /// Whether anybody knows what this model costs.
    pub(crate) fn has_price(&self, model: &str) -> bool {
        let plain = models::plain_id(model);
        self.prices.knows(&[model, &plain, &*models::resolve(&plain)])
    }

    pub(crate) fn record(&self, row: UsageRow) {
        if let Some(store) = &self.store {
            store.record(row);
        }
    }

    /// What an exchange cost. What the backend tells goes before the table of prices: it knows of calls that nobody else
    /// sees. Where it told nothing of an answer that ends with tool calls, it tells it with the request that brings
    /// their results: reckoning it here would count it twice.
    pub(crate) fn cost(&self, exchange: &Costly<'_>) -> Option<Usd> {
        match exchange.told {
            Told::Cost(dollars) => Some(Usd::from_dollars(dollars)),
            Told::Later if exchange.stop_reason == Some(&StopReason::ToolUse) => None,
            Told::Later | Told::Never => {
                let plain = models::plain_id(exchange.model);
                let names = [exchange.model, &plain, &*models::resolve(&plain)];
                self.prices
                    .cost(&names, &tokens(exchange.usage))
                    .filter(|_| *exchange.usage != Usage::default())
            }
        }
    }

    /// Keeps a request that a known key was refused for at the gate.
    pub(crate) fn refused(&self, context: &Context, status: u16, bytes_out: u64) {
        let Payer { key, name } = Payer::of(&context.caller);
        let duration_us = us(context.arrived.elapsed());
        self.record(UsageRow {
            id: context.request_id.to_string(),
            time_ms: unix_ms().saturating_sub(duration_us / 1000),
            key,
            key_name: name,
            dialect: Dialect::name(context.dialect),
            endpoint: "refused",
            model_asked: String::new(),
            model_served: String::new(),
            backend: String::new(),
            attempts: 0,
            status,
            stream: false,
            ended: "complete",
            estimated: false,
            tokens: UsageTokens::default(),
            cost_nanos: None,
            duration_us,
            first_byte_us: None,
            overhead_us: duration_us,
            bytes_in: 0,
            bytes_out,
        });
    }
}

/// What the backend says of the cost itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    /// It tells costs, and this one.
    Cost(f64),
    /// It tells costs, but not that of this exchange.
    Later,
    /// It tells none.
    Never,
}

/// What the cost of an exchange depends on.
pub(crate) struct Costly<'a> {
    pub(crate) told: Told,
    pub(crate) stop_reason: Option<&'a StopReason>,
    pub(crate) model: &'a str,
    pub(crate) usage: &'a Usage,
}

const fn tokens(usage: &Usage) -> Tokens {
    let (written, for_an_hour) = (usage.cache_creation_input_tokens, usage.cache_creation_1h_input_tokens);
    Tokens {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cache_write_5m: written.saturating_sub(for_an_hour),
        cache_write_1h: for_an_hour,
        cache_read: usage.cache_read_input_tokens,
        web_searches: usage.web_search_requests,
    }
}

/// The tokens of a row.
pub(crate) const fn row_tokens(usage: &Usage) -> UsageTokens {
    let Tokens { input, output, cache_write_5m, cache_write_1h, cache_read, web_searches } = tokens(usage);
    let thinking = usage.thinking_tokens;
    UsageTokens { input, output, cache_write_5m, cache_write_1h, cache_read, thinking, web_searches }
}

/// The tokens that a limit of tokens per minute counts: as with Anthropic, what is read from the prompt cache is free.
pub(crate) const fn limited_tokens(usage: &Usage) -> u64 {
    usage.prompt_tokens().saturating_sub(usage.cache_read_input_tokens).saturating_add(usage.output_tokens)
}

pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    u64::try_from(since).unwrap_or(u64::MAX)
}

pub(crate) fn us(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(told: Told, stop_reason: Option<&StopReason>, model: &str, usage: &Usage) -> Option<f64> {
        let ledger = Ledger::new(None, Prices::built_in());
        ledger.cost(&Costly { told, stop_reason, model, usage }).map(Usd::dollars)
    }

    #[test]
    fn what_the_backend_tells_goes_before_the_table_and_nothing_is_counted_twice() {
        let usage = Usage { input_tokens: 1_000_000, ..Usage::default() };
        let of = |told, stop| cost(told, stop, "claude-sonnet-5-5", &usage);
        assert_eq!(of(Told::Cost(0.25), None), Some(0.25));
        assert_eq!(of(Told::Never, Some(&StopReason::ToolUse)), Some(2.0));
        assert_eq!(of(Told::Later, Some(&StopReason::ToolUse)), None, "told with the results");
        assert_eq!(of(Told::Later, None), Some(2.0), "it broke off and tells nothing any more");
    }

    #[test]
    fn a_model_is_known_by_the_name_that_a_cloud_or_the_program_has_for_it() {
        let usage = Usage { output_tokens: 1_000_000, ..Usage::default() };
        for name in [
            "claude-opus-4-5-20251101",
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            "claude-opus-4-5@20251101",
            "claude-opus-5[1m]",
        ] {
            assert_eq!(cost(Told::Never, None, name, &usage), Some(25.0), "{name}");
        }
        assert_eq!(cost(Told::Never, None, "opus", &usage), Some(20.0), "an alias is today's model");
        assert_eq!(cost(Told::Never, None, "mine", &usage), None);
        assert_eq!(cost(Told::Never, None, "claude-opus-5", &Usage::default()), None, "nothing was used");
    }
}
