//! Addresses of upstream APIs.

use super::Resolver;
use crate::config::{Anthropic, Config, Upstream};

impl Resolver<'_> {
    /// An `http` or `https` address without credentials, query and trailing slash.
    pub(super) fn base_url(&mut self, key: &str, typed: &str) -> String {
        let trimmed = typed.trim().trim_end_matches('/');
        let wrong = match split(trimmed) {
            None => Some("expected an address like `https://api.anthropic.com`"),
            Some((_, authority, _)) if authority.contains('@') => {
                Some("must not hold a user name or password: they would be shown wherever the address is")
            }
            Some(_) if trimmed.contains(['?', '#', ' ']) => {
                Some("must have neither query, fragment nor blanks")
            }
            Some(_) => None,
        };
        if let Some(text) = wrong {
            self.problem(key, text);
        }
        trimmed.to_owned()
    }

    /// `ANTHROPIC_BASE_URL` is what users set to reach this server: inherited by the server itself, every
    /// request would go round in a circle.
    pub(super) fn refuse_loops(&mut self, config: &Config) {
        for (name, upstream) in &config.backends {
            let base = match upstream {
                Upstream::Anthropic(Anthropic { base_url, .. }) | Upstream::Passthrough { base_url } => {
                    Some(base_url)
                }
                Upstream::ClaudeCode => config.claude_code.base_url.as_ref(),
                Upstream::Bedrock(section) => section.base_url.as_ref(),
                Upstream::Vertex(section) => section.base_url.as_ref(),
            };
            if base.is_some_and(|base| points_at(base, config.server.port)) {
                let key = config.setting_of(name, "base_url");
                self.problem(
                    &key,
                    "points at this server itself; unset it here, and set it for the clients only",
                );
            }
        }
    }
}

/// Scheme, authority (host and port) and path.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let known = matches!(scheme, "http" | "https");
    (known && !authority.is_empty() && !authority.starts_with(':')).then_some((scheme, authority, path))
}

fn points_at(url: &str, own_port: u16) -> bool {
    let Some((scheme, authority, _)) = split(url) else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, Some(if scheme == "https" { 443 } else { 80 })),
    };
    let is_here = matches!(host, "localhost" | "0.0.0.0" | "[::]" | "[::1]") || host.starts_with("127.");
    is_here && own_port != 0 && port == Some(own_port)
}
