//! Token counts of one turn.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a turn used. A count that was not reported is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from nor written to the prompt cache.
    pub input_tokens: u64,
    /// All output, thinking included.
    pub output_tokens: u64,
    /// Input written to the prompt cache.
    pub cache_creation_input_tokens: u64,
    /// The part of that with the one-hour lifetime.
    pub cache_creation_1h_input_tokens: u64,
    /// Input read from the prompt cache.
    pub cache_read_input_tokens: u64,
    /// The part of the output that was thinking.
    pub thinking_tokens: u64,
    /// Searches made by the web search server tool.
    pub web_search_requests: u64,
}

impl Usage {
    /// All input, cached or not.
    #[must_use]
    pub const fn prompt_tokens(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.cache_creation_input_tokens)
            .saturating_add(self.cache_read_input_tokens)
    }

    /// Takes over the counts of a later event of the same turn. They are cumulative, so they replace; a 0 is
    /// "not reported here" (a `message_delta` often names the output alone).
    pub fn merge(&mut self, later: &Self) {
        let take = |mine: &mut u64, later: u64| {
            if later > 0 {
                *mine = later;
            }
        };
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        take(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        take(&mut self.cache_creation_1h_input_tokens, later.cache_creation_1h_input_tokens);
        take(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        take(&mut self.thinking_tokens, later.thinking_tokens);
        take(&mut self.web_search_requests, later.web_search_requests);
    }

    /// What two turns used together.
    #[must_use]
    pub const fn plus(self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .saturating_add(other.cache_creation_input_tokens),
            cache_creation_1h_input_tokens: self
                .cache_creation_1h_input_tokens
                .saturating_add(other.cache_creation_1h_input_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .saturating_add(other.cache_read_input_tokens),
            thinking_tokens: self.thinking_tokens.saturating_add(other.thinking_tokens),
            web_search_requests: self.web_search_requests.saturating_add(other.web_search_requests),
        }
    }

    /// Reads a `usage` object; what can't be read counts as not reported, since usage must never end a stream.
    pub(crate) fn read(raw: Option<&RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str::<Wire<'_>>(raw.get()).ok())
            .map(Self::from)
            .unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    output_tokens: Option<&'a RawValue>,
    cache_creation_input_tokens: Option<&'a RawValue>,
    cache_creation: Option<&'a RawValue>,
    cache_read_input_tokens: Option<&'a RawValue>,
    output_tokens_details: Option<&'a RawValue>,
    server_tool_use: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct ServerToolUse {
    web_search_requests: Option<u64>,
}

impl From<Wire<'_>> for Usage {
    fn from(wire: Wire<'_>) -> Self {
        Self {
            input_tokens: count(wire.input_tokens),
            output_tokens: count(wire.output_tokens),
            cache_creation_input_tokens: count(wire.cache_creation_input_tokens),
            cache_creation_1h_input_tokens: part(wire.cache_creation, |part: CacheCreation| {
                part.ephemeral_1h_input_tokens
            }),
            cache_read_input_tokens: count(wire.cache_read_input_tokens),
            thinking_tokens: part(wire.output_tokens_details, |part: OutputDetails| part.thinking_tokens),
            web_search_requests: part(wire.server_tool_use, |part: ServerToolUse| part.web_search_requests),
        }
    }
}

fn count(raw: Option<&RawValue>) -> u64 {
    raw.and_then(|raw| raw.get().parse().ok()).unwrap_or_default()
}

fn part<T: for<'de> Deserialize<'de>>(raw: Option<&RawValue>, pick: impl Fn(T) -> Option<u64>) -> u64 {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).and_then(pick).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        Usage::read(Some(serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn reads_the_parts_and_ignores_what_is_new_or_null() {
        let read = usage(
            r#"{"input_tokens":3,"output_tokens":9,"cache_read_input_tokens":null,"cache_creation_input_tokens":5,
                "cache_creation":{"ephemeral_1h_input_tokens":4,"ephemeral_5m_input_tokens":1},"speed":"fast",
                "output_tokens_details":{"thinking_tokens":2},"server_tool_use":{"web_search_requests":1},"new":[]}"#,
        );
        let expected = Usage {
            input_tokens: 3,
            output_tokens: 9,
            cache_creation_input_tokens: 5,
            cache_creation_1h_input_tokens: 4,
            cache_read_input_tokens: 0,
            thinking_tokens: 2,
            web_search_requests: 1,
        };
        assert_eq!(read, expected);
        assert_eq!(read.prompt_tokens(), 8);
    }

    #[test]
    fn later_counts_replace_and_missing_ones_do_not() {
        let mut total = usage(r#"{"input_tokens":25,"cache_read_input_tokens":7,"output_tokens":1}"#);
        total.merge(&usage(r#"{"output_tokens":40}"#));
        assert_eq!((total.input_tokens, total.cache_read_input_tokens, total.output_tokens), (25, 7, 40));
    }

    #[test]
    fn nonsense_is_not_reported_instead_of_an_error() {
        assert_eq!(usage(r#"{"input_tokens":"many","output_tokens":-1}"#), Usage::default());
        assert_eq!(usage("[]"), Usage::default());
    }
}
