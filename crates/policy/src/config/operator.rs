//! A Claude login serves its operator: what a personal account may be used for, enforced at start.

use super::{Config, Origins, Problem, Upstream};

/// Said at the first start with a Claude account's login.
pub const ACCOUNT_NOTICE: &str = "\
This server uses your own Claude login. Under Anthropic's Consumer Terms of Service \
(https://www.anthropic.com/legal/consumer-terms) an account is for the person it belongs to: you may \
not share its login or make it available to anyone else. So this server serves you alone: programs on \
this machine, or one key of your own. For a team or a product use an API key, Amazon Bedrock or \
Google Vertex AI, which come under Anthropic's Commercial Terms or the cloud's own.";

const WHY: &str = "Anthropic's Consumer Terms of Service (https://www.anthropic.com/legal/consumer-terms) forbid \
                   making an account available to anyone else. For several people use an API key, Amazon Bedrock \
                   or Google Vertex AI";

impl Config {
    /// Whether any request could go through a person's Claude account, so that only that person may call.
    pub fn operator_only(&self) -> bool {
        self.backends.values().any(|upstream| *upstream == Upstream::ClaudeCode)
            && self.claude_code.credentials.is_account()
    }

    /// Whether callers on other machines can reach the server's address.
    pub fn beyond_loopback(&self) -> bool {
        !self.server.host.to_canonical().is_loopback()
    }

    /// Whether the server must make a key for itself: others could reach it, and none is configured.
    pub fn needs_generated_key(&self, in_container: bool) -> bool {
        self.auth.api_keys.is_empty() && !self.auth.open && (in_container || self.beyond_loopback())
    }
}

/// Why keys can't be made, and those that were made can't be used, where a personal account serves.
pub fn issued_keys_refused(config: &Config) -> Option<String> {
    let what =
        "keys that are made with `keys create` or the admin API can't be served through a Claude login";
    config.operator_only().then(|| format!("{what}: {WHY}"))
}

/// What a configuration asks of a personal account that it may not do.
pub(super) fn problems(config: &Config, origins: &Origins) -> Vec<Problem> {
    if !config.operator_only() {
        return Vec::new();
    }
    let login = match config.claude_code.credentials_reason.as_str() {
        reason if reason.starts_with('`') => "a Claude login".to_owned(),
        reason => format!("a Claude login ({reason})"),
    };
    let refuse = |key: &str, what: String| {
        Problem::new(key, origins.of(key), format!("{what} can't be served through {login}: {WHY}"))
    };
    let mut problems = Vec::new();
    if config.auth.open {
        problems.push(refuse("auth.open", "everyone".to_owned()));
    }
    let keys = config.auth.api_keys.len();
    if keys > 1 {
        problems.push(refuse("auth.api_keys", format!("{keys} keys")));
    }
    problems
}
