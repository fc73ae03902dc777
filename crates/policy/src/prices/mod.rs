//! What tokens cost. The facts are data (`data/prices.json`, dated, with their sources); configuration overrides them by
//! pattern. Sums are whole numbers: no rounding error grows over a month of requests.

mod table;
mod usd;

pub use table::{LongPrice, Price, Prices, Rates};
pub use usd::Usd;

/// What one exchange used, by the kinds that have a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input neither read from nor written to the prompt cache.
    pub input: u64,
    /// All output, thinking included.
    pub output: u64,
    /// Input written to the prompt cache for five minutes.
    pub cache_write_5m: u64,
    /// Input written to the prompt cache for an hour.
    pub cache_write_1h: u64,
    /// Input read from the prompt cache.
    pub cache_read: u64,
    /// Searches of the web search server tool.
    pub web_searches: u64,
}

impl Tokens {
    /// The whole prompt, by whose length long contexts are told.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.cache_read)
    }
}
