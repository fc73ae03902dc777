//! The `backends`: what can serve, by name. A configuration that names none has one, which is made of the sections.

use std::collections::BTreeMap;

use super::Resolver;
use super::upstream::ANTHROPIC_API;
use crate::config::choice::Kind;
use crate::config::{Anthropic, Backend, Claude, Config, Upstream, raw};

/// What a token of a Claude account begins with.
const ACCOUNT_TOKEN: &str = "sk-ant-oat";
const LONGEST_NAME: usize = 64;

impl Config {
    /// The configuration's only backend is this one.
    pub fn serve_alone(&mut self, backend: Backend, why: &str) {
        self.claude.backend = Some(backend);
        why.clone_into(&mut self.claude.backend_reason);
        self.backends = alone(backend, &self.anthropic);
        self.routing.routes = crate::route::Routes::all_to(backend.as_str());
    }

    /// The key by which something of a backend is set: in its section, where it has no name.
    pub(super) fn setting_of(&self, name: &str, setting: &str) -> String {
        match self.backends.get(name) {
            Some(Upstream::ClaudeCode) => format!("claude_code.{setting}"),
            Some(Upstream::Anthropic(_)) if self.claude.backend.is_some() => format!("anthropic.{setting}"),
            _ => format!("backends.{name}.{setting}"),
        }
    }
}

fn alone(backend: Backend, anthropic: &Anthropic) -> BTreeMap<String, Upstream> {
    let upstream = match backend {
        Backend::Anthropic => Upstream::Anthropic(anthropic.clone()),
        Backend::ClaudeCode => Upstream::ClaudeCode,
    };
    BTreeMap::from([(backend.as_str().to_owned(), upstream)])
}

impl Resolver<'_> {
    pub(super) fn backends(
        &mut self,
        typed: Option<BTreeMap<String, raw::NamedBackend>>,
        claude: &Claude,
        anthropic: &Anthropic,
    ) -> BTreeMap<String, Upstream> {
        if let Some(backend) = claude.backend {
            return alone(backend, anthropic);
        }
        let typed = typed.unwrap_or_default();
        if typed.is_empty() {
            self.problem(
                "backends",
                "names nothing that could serve; leave it out to go by `claude.backend`",
            );
        }
        for name in typed.keys().filter(|name| !is_name(name)) {
            let text = format!("a name has 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`");
            self.problem(&format!("backends.{name}"), text);
        }
        let named: BTreeMap<_, _> = typed
            .into_iter()
            .map(|(name, raw)| {
                let upstream = self.named(&name, raw);
                (name, upstream)
            })
            .collect();
        let programs = named.iter().filter(|(_, upstream)| **upstream == Upstream::ClaudeCode);
        if let Some((second, _)) = programs.skip(1).last() {
            let text = "is the second of kind `claude-code`, of which there is one: its settings are in `claude_code`";
            self.problem(&format!("backends.{second}.kind"), text);
        }
        named
    }

    fn named(&mut self, name: &str, mut raw: raw::NamedBackend) -> Upstream {
        let kind = raw.kind.as_str();
        let upstream = match raw.kind {
            Kind::Anthropic => Upstream::Anthropic(Anthropic {
                base_url: self.address(name, raw.base_url.take().as_deref()),
                api_key: self.header_secret(&format!("backends.{name}.api_key"), raw.api_key.take()),
                auth_token: self.header_secret(&format!("backends.{name}.auth_token"), raw.auth_token.take()),
            }),
            Kind::ClaudeCode => Upstream::ClaudeCode,
            Kind::Passthrough => {
                Upstream::Passthrough { base_url: self.address(name, raw.base_url.take().as_deref()) }
            }
            Kind::Bedrock => Upstream::Bedrock(self.bedrock(name, &mut raw)),
            Kind::Vertex => Upstream::Vertex(self.vertex(name, &mut raw)),
        };
        let left = [
            ("base_url", raw.base_url.is_some()),
            ("api_key", raw.api_key.is_some()),
            ("auth_token", raw.auth_token.is_some()),
            ("region", raw.region.is_some()),
            ("models", raw.models.is_some()),
            ("bearer_token", raw.bearer_token.is_some()),
            ("access_key_id", raw.access_key_id.is_some()),
            ("secret_access_key", raw.secret_access_key.is_some()),
            ("session_token", raw.session_token.is_some()),
            ("project", raw.project.is_some()),
            ("credentials", raw.credentials.is_some()),
            ("access_token", raw.access_token.is_some()),
        ];
        for (setting, _) in left.iter().filter(|(_, typed)| *typed) {
            self.problem(
                &format!("backends.{name}.{setting}"),
                format!("has no meaning for the kind `{kind}`"),
            );
        }
        upstream
    }

    fn address(&mut self, name: &str, typed: Option<&str>) -> String {
        self.base_url(&format!("backends.{name}.base_url"), typed.unwrap_or(ANTHROPIC_API))
    }

    /// Where the `claude` program serves alone, the section `anthropic` is not used and may hold what the user's shell has.
    pub(super) fn check_credentials(&mut self, config: &Config) {
        for (name, upstream) in &config.backends {
            let Upstream::Anthropic(anthropic) = upstream else { continue };
            let keys = [("api_key", &anthropic.api_key), ("auth_token", &anthropic.auth_token)];
            for (setting, secret) in keys {
                if secret.as_ref().is_some_and(|secret| secret.expose().starts_with(ACCOUNT_TOKEN)) {
                    let text = "this is the token of a Claude account, which Anthropic's Consumer Terms allow in Claude \
                                Code only; set it as CLAUDE_CODE_OAUTH_TOKEN to serve through the `claude` program, or \
                                use an API key from the Claude Console";
                    self.problem(&config.setting_of(name, setting), text);
                }
            }
            let is_named = config.claude.backend.is_none();
            match (&anthropic.api_key, &anthropic.auth_token) {
                (None, None) if is_named => {
                    // One that was typed and can't be read has been complained about.
                    let key = format!("backends.{name}");
                    let below = format!("{key}.");
                    if !self.problems.iter().any(|problem| problem.key.starts_with(&below)) {
                        self.problem(
                            &key,
                            "needs `api_key` or `auth_token`, like `\"api_key\": \"env:ANTHROPIC_API_KEY\"`",
                        );
                    }
                }
                (None, None) => {
                    let text =
                        "Backend `anthropic` has no key: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN.";
                    self.notices.push(text.to_owned());
                }
                (Some(_), Some(_)) if is_named => {
                    self.problem(&format!("backends.{name}.auth_token"), "give this or `api_key`, not both");
                }
                _ => {}
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed)
}
