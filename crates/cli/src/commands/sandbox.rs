//! Everything real but the API and the account: a simulator stands in for the one, a made-up key for the other.

use std::path::Path;

use claude_code::OperatorEnvironment;
use policy::config::{self, Config};
use simulator::Simulator;

/// The user's own settings with the simulator as the API and nobody's account.
pub(super) fn config(
    config: &Config,
    backend: config::Backend,
    simulator: &Simulator,
    home: &Path,
    why: &str,
) -> Config {
    let mut sandbox = config.clone();
    sandbox.server.host = std::net::Ipv4Addr::LOCALHOST.into();
    sandbox.anthropic.base_url = simulator.url();
    sandbox.anthropic.api_key = Some(config::Secret::new("demo-key"));
    sandbox.anthropic.auth_token = None;
    sandbox.serve_alone(backend, why);
    sandbox.claude_code.credentials = config::Credentials::ApiKey;
    sandbox.claude_code.base_url = Some(simulator.url());
    sandbox.claude_code.config_dir = Some(home.join("claude"));
    sandbox.claude_code.env.clear();
    sandbox.auth.api_keys.clear();
    sandbox.auth.open = false;
    sandbox.rate_limiting = None;
    sandbox.openai.store = false;
    sandbox.data_dir = home.join("data");
    sandbox
}

/// Nothing of the user's own environment: no account can be used by mistake.
pub(super) fn environment(home: &Path) -> OperatorEnvironment {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let pairs = [
        ("PATH", path),
        ("HOME", home.into()),
        ("ANTHROPIC_API_KEY", "demo-key".into()),
        ("CLAUDE_CODE_OAUTH_TOKEN", "demo-token".into()),
    ];
    pairs.into_iter().map(|(name, value)| (name.into(), value)).collect()
}
