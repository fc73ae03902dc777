//! What the holder of a key may do. Nothing set means no limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::RateLimiting;
use crate::glob;
use crate::prices::Usd;

/// The limits of one key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Patterns of the models that may be asked for, like `["claude-haiku-*"]`: as the caller names it, or the one that
    /// serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Patterns of the paths that may be called, like `["/v1/messages*", "/v1/models*"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<String>>,
    /// Requests per minute in the long run. By default those of `rate_limiting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_minute: Option<u32>,
    /// Requests that may come at once. By default 10, at most `requests_per_minute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst_size: Option<u32>,
    /// Tokens per minute, input and output together; what is read from the prompt cache does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub tokens_per_minute: Option<u32>,
    /// Requests that may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrent_requests: Option<u32>,
    /// US dollars a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub daily_budget_usd: Option<f64>,
    /// US dollars a calendar month (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub monthly_budget_usd: Option<f64>,
}

/// A limit that can't be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text}")]
pub struct WrongTerm {
    /// Its field.
    pub field: &'static str,
    /// What is wrong with it.
    pub text: &'static str,
}

impl Terms {
    /// Whether all of it can be meant.
    ///
    /// # Errors
    /// The first field that can't.
    pub fn check(&self) -> Result<(), WrongTerm> {
        let wrong = |field, text| Err(WrongTerm { field, text });
        let empty = |list: &Option<Vec<String>>| {
            list.as_ref().is_some_and(|list| list.is_empty() || list.iter().any(|one| one.trim().is_empty()))
        };
        if empty(&self.models) {
            return wrong("models", "neither the list nor a pattern in it may be empty");
        }
        if empty(&self.endpoints) || self.endpoints.iter().flatten().any(|path| !path.starts_with(['/', '*']))
        {
            return wrong("endpoints", "expected patterns of paths, like `/v1/messages*`");
        }
        let whole = [
            ("requests_per_minute", self.requests_per_minute),
            ("burst_size", self.burst_size),
            ("tokens_per_minute", self.tokens_per_minute),
            ("concurrent_requests", self.concurrent_requests),
        ];
        if let Some((field, _)) = whole.into_iter().find(|(_, limit)| *limit == Some(0)) {
            return wrong(field, "must be at least 1");
        }
        if self.burst_size.is_some() && self.requests_per_minute.is_none() {
            return wrong("burst_size", "has no effect without `requests_per_minute`");
        }
        let budgets =
            [("daily_budget_usd", self.daily_budget_usd), ("monthly_budget_usd", self.monthly_budget_usd)];
        let is_amount = |dollars: f64| (0.0..=1e9).contains(&dollars);
        match budgets.into_iter().find(|(_, budget)| budget.is_some_and(|dollars| !is_amount(dollars))) {
            Some((field, _)) => wrong(field, "must be an amount of US dollars, from 0 to 1000000000"),
            None => Ok(()),
        }
    }

    /// Whether a model may be asked for, by any of its names.
    pub fn allows_model(&self, names: &[&str]) -> bool {
        let fits = |patterns: &Vec<String>| {
            patterns.iter().any(|pattern| names.iter().any(|name| glob::matches(pattern, name)))
        };
        self.models.as_ref().is_none_or(fits)
    }

    /// Whether a path may be called.
    pub fn allows_path(&self, path: &str) -> bool {
        self.endpoints
            .as_ref()
            .is_none_or(|patterns| patterns.iter().any(|pattern| glob::matches(pattern, path)))
    }

    /// The rate of requests, where the key has one of its own.
    pub fn rate(&self) -> Option<RateLimiting> {
        let requests_per_minute = self.requests_per_minute?;
        let burst_size = self.burst_size.unwrap_or(requests_per_minute.min(10));
        Some(RateLimiting { requests_per_minute, burst_size })
    }

    /// What may be spent in a day.
    pub fn daily_budget(&self) -> Option<Usd> {
        self.daily_budget_usd.map(Usd::from_dollars)
    }

    /// What may be spent in a month.
    pub fn monthly_budget(&self) -> Option<Usd> {
        self.monthly_budget_usd.map(Usd::from_dollars)
    }

    /// Whether an account must be kept of what the key does.
    pub fn are_counted(&self) -> bool {
        let numbers = [self.requests_per_minute, self.tokens_per_minute, self.concurrent_requests];
        self.has_budget() || numbers.iter().any(Option::is_some)
    }

    /// Whether money is limited.
    pub fn has_budget(&self) -> bool {
        self.daily_budget_usd.is_some() || self.monthly_budget_usd.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(json: &str) -> Terms {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn without_terms_everything_is_allowed() {
        let none = Terms::default();
        assert!(none.allows_model(&["anything"]) && none.allows_path("/v1/anything") && none.check().is_ok());
        assert_eq!((none.rate(), none.daily_budget()), (None, None));
    }

    #[test]
    fn models_and_paths_are_allowed_by_pattern() {
        let terms = terms(r#"{"models": ["claude-haiku-*", "fast"], "endpoints": ["/v1/messages*"]}"#);
        assert!(terms.allows_model(&["fast", "claude-opus-5"]) && terms.allows_model(&["claude-haiku-5-5"]));
        assert!(!terms.allows_model(&["claude-opus-5"]) && !terms.allows_model(&["", "claude-opus-5"]));
        assert!(terms.allows_path("/v1/messages/count_tokens") && !terms.allows_path("/v1/chat/completions"));
    }

    #[test]
    fn what_can_not_be_meant_is_named() {
        for (json, field) in [
            (r#"{"models": []}"#, "models"),
            (r#"{"endpoints": ["messages"]}"#, "endpoints"),
            (r#"{"tokens_per_minute": 0}"#, "tokens_per_minute"),
            (r#"{"burst_size": 5}"#, "burst_size"),
            (r#"{"daily_budget_usd": -1}"#, "daily_budget_usd"),
        ] {
            assert_eq!(terms(json).check().unwrap_err().field, field, "{json}");
        }
        assert!(serde_json::from_str::<Terms>(r#"{"rpm": 1}"#).is_err());
    }
}
