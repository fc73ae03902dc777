//! The contract of a ledger of usage: one row an HTTP exchange, whatever keeps it. Never what was said.

use futures_core::future::BoxFuture;

use crate::StoreError;

/// Tokens by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTokens {
    /// Input beside the prompt cache.
    pub input: u64,
    /// Output, thinking included.
    pub output: u64,
    /// Input written to the prompt cache for five minutes.
    pub cache_write_5m: u64,
    /// Input written to the prompt cache for an hour.
    pub cache_write_1h: u64,
    /// Input read from the prompt cache.
    pub cache_read: u64,
    /// The part of the output that was thinking.
    pub thinking: u64,
    /// Searches of the web search server tool.
    pub web_searches: u64,
}

/// One HTTP exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The request's id; a row of the same id is kept once.
    pub id: String,
    /// When it arrived, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whose it was: a key's id, `local` or `open`.
    pub key: String,
    /// The key's name, as it was then.
    pub key_name: String,
    /// The caller's API.
    pub dialect: &'static str,
    /// What was asked for.
    pub endpoint: &'static str,
    /// The model as asked for.
    pub model_asked: String,
    /// The model that served.
    pub model_served: String,
    /// The backend that served, or was asked last; empty where none was.
    pub backend: String,
    /// How many backends were asked.
    pub attempts: u32,
    /// As the caller got it.
    pub status: u16,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// Who or what ended it.
    pub ended: &'static str,
    /// The counts are those of the last usage that was told before the answer broke off.
    pub estimated: bool,
    /// What it used.
    pub tokens: UsageTokens,
    /// What it cost, in billionths of a US dollar; `None` where nobody knows.
    pub cost_nanos: Option<u64>,
    /// From its arrival to the last byte of its answer, in microseconds.
    pub duration_us: u64,
    /// From its arrival to the first byte of its answer.
    pub first_byte_us: Option<u64>,
    /// From its arrival until the backend was called.
    pub overhead_us: u64,
    /// Of the request's body.
    pub bytes_in: u64,
    /// Of the answer's body.
    pub bytes_out: u64,
}

/// By what a report adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Whose requests.
    Key,
    /// Which model served.
    Model,
    /// On which day (UTC).
    Day,
    /// Which backend served.
    Backend,
}

/// What a report is about.
#[derive(Clone, Debug)]
pub struct UsageQuery {
    /// By what it adds up.
    pub by: GroupBy,
    /// From this time on, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Before this time.
    pub until_ms: Option<u64>,
    /// Of the key of this id or name alone.
    pub key: Option<String>,
}

/// One line of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageGroup {
    /// The key's id, the model, the day as `2026-11-22`, or the backend.
    pub group: String,
    /// The key's latest name; empty in other reports.
    pub name: String,
    /// Exchanges.
    pub requests: u64,
    /// Those with a status of 400 and above.
    pub errors: u64,
    /// Those whose counts are estimated.
    pub estimated: u64,
    /// Those that used tokens nobody has a price for.
    pub unpriced: u64,
    /// What they used.
    pub tokens: UsageTokens,
    /// What they cost, in billionths of a US dollar.
    pub cost_nanos: u64,
    /// How long all of them took together, in microseconds.
    pub duration_us: u64,
}

/// What a key has spent, in billionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The key's id.
    pub key: String,
    /// Since the day began.
    pub day_nanos: u64,
    /// Since the month began.
    pub month_nanos: u64,
}

/// How a ledger fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    /// Rows that could not be kept and never will.
    pub lost: u64,
    /// Writes that failed; their rows are tried again.
    pub failures: u64,
}

/// Keeps rows. A row that was taken is there after the process was killed a second later.
pub trait UsageLedger: Send + Sync {
    /// Takes a row. Never waits: what can't be taken is counted as lost.
    fn record(&self, row: UsageRow);

    /// Adds up, rows included that were taken before.
    fn report(&self, query: UsageQuery) -> BoxFuture<'_, Result<Vec<UsageGroup>, StoreError>>;

    /// What each key has spent since these times, in milliseconds since 1970.
    fn spent(&self, day_ms: u64, month_ms: u64) -> BoxFuture<'_, Result<Vec<Spent>, StoreError>>;

    /// How it fares.
    fn state(&self) -> LedgerState;

    /// Writes what was taken before, and takes no more.
    fn close(&self) -> BoxFuture<'_, ()>;
}
