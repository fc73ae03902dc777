//! Built-in tools of the `claude` program: what is refused because of what it would mean.

use super::Resolver;
use crate::config::nearest::nearest;
use crate::config::{Config, Secret};

/// Those that work behind an API: they need no terminal, and nothing of them outlives the turn.
const KNOWN: [&str; 10] =
    ["Agent", "Bash", "Edit", "Glob", "Grep", "NotebookEdit", "Read", "WebFetch", "WebSearch", "Write"];

const TOOLS: &str = "claude_code.tools";

impl Resolver<'_> {
    pub(super) fn check_tools(&mut self, config: &Config) {
        let token = config.admin.token.as_ref().map(Secret::expose);
        if token.is_some_and(|token| config.auth.api_keys.iter().any(|key| key.hash.matches(token))) {
            let text = "is also a key of `auth.api_keys`, whose holders could then permit themselves what they ask for";
            self.problem("admin.token", text);
        }
        let section = &config.claude_code;
        for name in &section.tools {
            if !KNOWN.contains(&name.as_str()) {
                let meant = nearest(name, KNOWN).map(|known| format!("; did you mean `{known}`?"));
                let known = meant.unwrap_or_else(|| format!("; known are {}", KNOWN.join(", ")));
                self.problem(TOOLS, format!("`{name}` is no built-in tool that can be used here{known}"));
            }
        }
        for rule in &section.allowed_tools {
            let named = rule.split('(').next().unwrap_or_default();
            if !section.tools.iter().any(|tool| tool == named) {
                let text = format!("`{rule}` is about a tool that is not among `{TOOLS}`");
                self.problem("claude_code.allowed_tools", text);
            }
        }
        if section.tools.is_empty() {
            return;
        }
        if section.working_directory.is_none() {
            let text = "is needed with `claude_code.tools`: the folder in which the tools work";
            self.problem("claude_code.working_directory", text);
        }
        if config.auth.open {
            let text = "can't be combined with `auth.open`: anyone who reaches the port could use them on this \
                        machine, with the rights of this server; let callers show a key";
            self.problem(TOOLS, text);
        }
    }
}
