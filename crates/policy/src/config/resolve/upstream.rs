//! The `claude`, `anthropic` and `claude_code` sections: which way requests go, and with whose credentials.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Resolver;
use super::server::size;
use crate::config::{
    Anthropic, Backend, Claude, ClaudeCode, Credentials, Origin, PermissionMode, Secret, raw,
};

/// Where the API is unless something else is said.
pub(super) const ANTHROPIC_API: &str = "https://api.anthropic.com";

/// The variable by which the `claude` program knows that a credential set is meant.
const MARKERS: [(&str, Credentials); 4] = [
    ("CLAUDE_CODE_OAUTH_TOKEN", Credentials::OauthToken),
    ("ANTHROPIC_API_KEY", Credentials::ApiKey),
    ("CLAUDE_CODE_USE_BEDROCK", Credentials::Bedrock),
    ("CLAUDE_CODE_USE_VERTEX", Credentials::Vertex),
];

impl Resolver<'_> {
    pub(super) fn anthropic(&mut self, raw: raw::Anthropic) -> Anthropic {
        let base_url = raw.base_url.as_deref().unwrap_or(ANTHROPIC_API);
        Anthropic {
            base_url: self.base_url("anthropic.base_url", base_url),
            api_key: self.header_secret("anthropic.api_key", raw.api_key),
            auth_token: self.header_secret("anthropic.auth_token", raw.auth_token),
        }
    }

    /// `are_named` where `backends` says what serves.
    pub(super) fn claude(&mut self, raw: raw::Claude, anthropic: &Anthropic, are_named: bool) -> Claude {
        let (backend, backend_reason) = if are_named {
            if raw.backend.is_some() {
                self.notices.push("`claude.backend` has no effect beside `backends`.".to_owned());
            }
            (None, format!("`backends` says so ({})", self.origins.of("backends")))
        } else {
            let (backend, reason) = self.backend(raw.backend, anthropic);
            (Some(backend), reason)
        };
        let default_model = raw.default_model.unwrap_or_else(|| "claude-sonnet-5-5".to_owned());
        if default_model.trim().is_empty() || default_model == "default" {
            self.problem("claude.default_model", "expected the name of a model");
        }
        Claude {
            backend,
            backend_reason,
            default_model,
            max_tokens: raw.max_tokens.unwrap_or(4096),
            timeout: raw.timeout.map_or(Duration::from_secs(30), Duration::from),
            response_timeout: raw.response_timeout.map_or(Duration::from_secs(600), Duration::from),
        }
    }

    fn backend(&mut self, typed: Option<Backend>, anthropic: &Anthropic) -> (Backend, String) {
        if let Some(backend) = typed {
            return (backend, format!("`claude.backend` says so ({})", self.origins.of("claude.backend")));
        }
        self.origins.set("claude.backend", Origin::Derived);
        let keys =
            [("anthropic.api_key", &anthropic.api_key), ("anthropic.auth_token", &anthropic.auth_token)];
        match keys.iter().find(|(_, key)| key.is_some()) {
            Some((key, _)) => (Backend::Anthropic, format!("`{key}` is set ({})", self.origins.of(key))),
            None => (Backend::ClaudeCode, "no Anthropic API key is set".to_owned()),
        }
    }

    pub(super) fn claude_code(&mut self, raw: raw::ClaudeCode) -> ClaudeCode {
        let env = self.program_env(raw.env.unwrap_or_default());
        let (credentials, credentials_reason) = self.credentials(raw.credentials, &env);
        self.refuse_mixed_credentials(credentials, &env);
        let (min_idle, max_idle) = self.idle(raw.min_idle, raw.max_idle);
        ClaudeCode {
            path: raw.path.map(|path| self.program(&path)),
            credentials,
            credentials_reason,
            config_dir: raw.config_dir.map(|dir| self.path("claude_code.config_dir", &dir)),
            env,
            base_url: raw.base_url.map(|url| self.base_url("claude_code.base_url", &url)),
            silence_timeout: raw.silence_timeout.map_or(Duration::from_secs(300), Duration::from),
            max_processes: size(raw.max_processes.unwrap_or(16)),
            min_idle: size(min_idle),
            max_idle: size(max_idle),
            spare_max_age: raw.spare_max_age.map_or(Duration::from_secs(1800), Duration::from),
            max_memory_bytes: raw.max_memory_bytes,
            process_max_age: raw.process_max_age.map_or(Duration::from_secs(3600), Duration::from),
            process_max_memory_bytes: raw.process_max_memory_bytes.unwrap_or(1 << 30),
            hold_time: raw.hold_time.map_or(Duration::from_secs(300), Duration::from),
            idle_time: raw.idle_time.map_or(Duration::from_secs(300), Duration::from),
            resume_from_turns: size(raw.resume_from_turns.unwrap_or(50)),
            queue_timeout: raw.queue_timeout.map_or(Duration::from_secs(60), Duration::from),
            start_timeout: raw.start_timeout.map_or(Duration::from_secs(30), Duration::from),
            tools: raw.tools.unwrap_or_default(),
            working_directory: raw
                .working_directory
                .map(|folder| self.path("claude_code.working_directory", &folder)),
            permission_mode: raw.permission_mode.unwrap_or(PermissionMode::Default),
            allowed_tools: raw.allowed_tools.unwrap_or_default(),
            permission_timeout: raw.permission_timeout.map_or(Duration::from_secs(120), Duration::from),
            max_turns: raw.max_turns.unwrap_or(25),
        }
    }

    /// How many programs to start ahead. A limit below the usual minimum lowers that too; one below a minimum that
    /// was typed is a mistake.
    fn idle(&mut self, min: Option<u32>, max: Option<u32>) -> (u32, u32) {
        let most = max.unwrap_or_else(|| min.unwrap_or(1).max(4));
        let least = min.unwrap_or_else(|| most.min(1));
        if least > most {
            self.problem("claude_code.min_idle", "is more than `claude_code.max_idle`");
        }
        (least, most)
    }

    /// A bare name stays one, to be found on `PATH`.
    fn program(&self, typed: &str) -> std::path::PathBuf {
        if typed.contains('/') { self.path("claude_code.path", typed) } else { typed.into() }
    }

    fn program_env(&mut self, typed: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
        let mut env = BTreeMap::new();
        for (name, value) in typed {
            let key = format!("claude_code.env.{name}");
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                self.problem(
                    "claude_code.env",
                    "a variable's name is not empty and has no `=`; neither part has a NUL",
                );
            } else if let Some(value) = self.secret(&key, &value) {
                env.insert(name, value);
            }
        }
        env
    }

    fn credentials(
        &mut self,
        typed: Option<Credentials>,
        program_env: &BTreeMap<String, Secret>,
    ) -> (Credentials, String) {
        let key = "claude_code.credentials";
        if let Some(credentials) = typed {
            return (credentials, format!("`{key}` says so ({})", self.origins.of(key)));
        }
        self.origins.set(key, Origin::Derived);
        let inherited = |name: &str| self.surroundings.env.get(name).map(String::as_str);
        let value = |name: &str| program_env.get(name).map(Secret::expose).or_else(|| inherited(name));
        let found = MARKERS.into_iter().find(|(name, _)| value(name).is_some_and(is_on));
        match found {
            Some((name, credentials)) => (credentials, format!("{name} is set")),
            None => (Credentials::Login, "no other credentials are set".to_owned()),
        }
    }

    /// The program gets one credential set: a second one could be billed instead without anyone noticing.
    fn refuse_mixed_credentials(&mut self, chosen: Credentials, env: &BTreeMap<String, Secret>) {
        for (name, credentials) in MARKERS {
            if credentials != chosen && env.get(name).is_some_and(|value| is_on(value.expose())) {
                let chosen = chosen.as_str();
                let text = format!("belongs to other credentials than `{chosen}`, which are the ones in use");
                self.problem(&format!("claude_code.env.{name}"), text);
            }
        }
    }
}

/// Whether a variable of the `claude` program is switched on.
fn is_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}
