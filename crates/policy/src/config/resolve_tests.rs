//! What settings mean, and which are refused because of what they mean.

use std::fs;

use crate::config::{Backend, Config, Credentials, Environment, Loaded, Sources, load, parse};
use crate::keys::{KeyHash, Keyring};

fn env(pairs: &[(&str, &str)]) -> Environment {
    let home = [("HOME", "/home/anna")];
    home.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn loaded(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    parse(text, &env(pairs)).unwrap()
}

fn config(text: &str, pairs: &[(&str, &str)]) -> Config {
    loaded(text, pairs).config
}

fn refusal(text: &str, pairs: &[(&str, &str)]) -> String {
    parse(text, &env(pairs)).unwrap_err().to_string()
}

#[test]
fn the_backend_is_the_one_configured_else_the_one_with_a_key_and_the_banner_knows_why() {
    let chosen = |text: &str, pairs: &[(&str, &str)]| {
        let claude = config(text, pairs).claude;
        (claude.backend, claude.backend_reason)
    };
    let key = [("ANTHROPIC_AUTH_TOKEN", "token")];
    let because = "`anthropic.auth_token` is set (environment variable ANTHROPIC_AUTH_TOKEN)";
    assert_eq!(chosen("{}", &key), (Some(Backend::Anthropic), because.to_owned()));
    assert_eq!(chosen("{}", &[]), (Some(Backend::ClaudeCode), "no Anthropic API key is set".to_owned()));
    let (backend, reason) = chosen(r#"{"claude": {"backend": "claude-code"}}"#, &key);
    assert_eq!(
        (backend, reason.as_str()),
        (Some(Backend::ClaudeCode), "`claude.backend` says so (config.json)")
    );
}

#[test]
fn the_credentials_of_the_program_follow_from_the_environment() {
    let cases: [(&[(&str, &str)], Credentials); 7] = [
        (&[], Credentials::Login),
        (&[("CLAUDE_CODE_OAUTH_TOKEN", "t"), ("ANTHROPIC_API_KEY", "k")], Credentials::OauthToken),
        (&[("ANTHROPIC_API_KEY", "k"), ("CLAUDE_CODE_USE_BEDROCK", "1")], Credentials::ApiKey),
        (&[("CLAUDE_CODE_USE_BEDROCK", "1")], Credentials::Bedrock),
        (&[("CLAUDE_CODE_USE_BEDROCK", "0"), ("CLAUDE_CODE_USE_VERTEX", "true")], Credentials::Vertex),
        (&[("CLAUDE_CODE_OAUTH_TOKEN", "")], Credentials::Login),
        (&[("CCP_CLAUDE_CODE__ENV", r#"{"CLAUDE_CODE_USE_VERTEX": "1"}"#)], Credentials::Vertex),
    ];
    for (pairs, expected) in cases {
        assert_eq!(config("{}", pairs).claude_code.credentials, expected, "{pairs:?}");
    }
    let derived = config("{}", &[("CLAUDE_CODE_USE_BEDROCK", "1")]).claude_code.credentials_reason;
    assert_eq!(derived, "CLAUDE_CODE_USE_BEDROCK is set");
    let typed = r#"{"claude_code": {"credentials": "login"}}"#;
    let chosen = config(typed, &[("CLAUDE_CODE_OAUTH_TOKEN", "t")]).claude_code;
    assert_eq!(chosen.credentials_reason, "`claude_code.credentials` says so (config.json)");
}

#[test]
fn the_program_never_gets_a_second_credential_set() {
    let text = r#"{"claude_code": {"credentials": "login", "env": {"ANTHROPIC_API_KEY": "k"}}}"#;
    let said = refusal(text, &[]);
    assert!(
        said.contains("claude_code.env.ANTHROPIC_API_KEY: belongs to other credentials than `login`"),
        "{said}"
    );
}

#[test]
fn a_secret_is_itself_or_a_variable_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("key"), "from-the-file\n").unwrap();
    let key = |typed: &str| {
        let text = format!(r#"{{"anthropic": {{"api_key": "{typed}"}}}}"#);
        fs::write(dir.path().join("config.json"), text).unwrap();
        let file = Some(dir.path().join("config.json"));
        let loaded = load(&Sources { file, env: env(&[("KEY", "from-a-variable")]), ..Sources::default() });
        loaded.map(|loaded| loaded.config.anthropic.api_key.unwrap().expose().to_owned())
    };
    assert_eq!(key("itself").unwrap(), "itself");
    assert_eq!(key("env:KEY").unwrap(), "from-a-variable");
    assert_eq!(key("file:key").unwrap(), "from-the-file", "relative to the configuration file");
    let said = [key("env:NONE"), key("file:none")].map(|result| result.unwrap_err().to_string());
    assert!(said[0].contains("anthropic.api_key: the environment variable `NONE` is not set"), "{}", said[0]);
    assert!(said[1].contains("none can't be read"), "{}", said[1]);
}

#[test]
fn a_secret_that_a_header_cannot_carry_is_refused_without_being_repeated() {
    let said = refusal(r#"{"anthropic": {"api_key": "two words\r\nx-evil: 1"}}"#, &[]);
    assert!(said.contains("a header can't carry") && !said.contains("evil"), "{said}");
}

#[test]
fn api_keys_are_hashes_or_references_with_or_without_a_name() {
    let hash = KeyHash::of("by-hash");
    let text =
        format!(r#"{{"auth": {{"api_keys": ["{hash}", "env:BEN", {{"name": "eve", "key": "env:EVE"}}]}}}}"#);
    let eve = KeyHash::of("by-hash-in-a-variable").to_string();
    let pairs = [("BEN", "key-of-ben-0123456789"), ("EVE", eve.as_str()), ("ANTHROPIC_API_KEY", "k")];
    let ring = Keyring::new(config(&text, &pairs).auth.api_keys);
    assert!(ring.identify("by-hash", 0).is_some() && ring.identify("key-of-ben-0123456789", 0).is_some());
    assert_eq!(ring.identify("by-hash-in-a-variable", 0).and_then(|(id, _)| id.name()), Some("eve"));
    assert_eq!(ring.len(), 3);
}

#[test]
fn a_key_that_can_be_guessed_is_remarked_on() {
    let text = r#"{"auth": {"api_keys": ["env:KEY"]}}"#;
    let short = loaded(text, &[("KEY", "hunter2"), ("ANTHROPIC_API_KEY", "k")]);
    assert_eq!(short.notices, ["`auth.api_keys[0]` is shorter than 20 characters and can be guessed."]);
    let long = loaded(text, &[("KEY", "hunter2-hunter2-hunter2"), ("ANTHROPIC_API_KEY", "k")]);
    assert_eq!(long.notices, [""; 0]);
}

#[test]
fn a_claude_login_serves_nobody_but_its_operator() {
    let keys = r#"{"auth": {"api_keys": ["env:A", "env:B"]}}"#;
    let two = [("A", "key-a-0123456789-0123"), ("B", "key-b-0123456789-0123")];
    let open = r#"{"auth": {"open": true}}"#;
    for (text, key) in [(keys, "auth.api_keys: 2 keys"), (open, "auth.open: everyone")] {
        for extra in [None, Some(("CLAUDE_CODE_OAUTH_TOKEN", "t"))] {
            let pairs: Vec<_> = two.iter().copied().chain(extra).collect();
            let said = refusal(text, &pairs);
            assert!(said.contains(key) && said.contains("Consumer Terms of Service"), "{said}");
            assert!(said.contains("API key, Amazon Bedrock or Google Vertex AI"), "{said}");
        }
        for other in
            [("ANTHROPIC_API_KEY", "k"), ("CLAUDE_CODE_USE_BEDROCK", "1"), ("CLAUDE_CODE_USE_VERTEX", "1")]
        {
            let pairs: Vec<_> = two.iter().copied().chain([other]).collect();
            assert!(!config(text, &pairs).operator_only(), "{other:?}");
        }
    }
}

#[test]
fn one_key_of_the_operators_own_may_use_a_claude_login() {
    let one = config(r#"{"auth": {"api_keys": ["env:A"]}}"#, &[("A", "key-a-0123456789-0123")]);
    assert!(one.operator_only());
    assert!(config("{}", &[]).operator_only());
}

#[test]
fn an_accounts_token_is_refused_where_an_api_key_belongs() {
    for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
        let said = refusal("{}", &[(name, "sk-ant-oat01-secret")]);
        assert!(said.contains("set it as CLAUDE_CODE_OAUTH_TOKEN") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn what_a_shell_has_set_for_its_clients_does_not_disturb_a_server_over_the_program() {
    let shell = [("ANTHROPIC_BASE_URL", "http://localhost:8000"), ("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-x")];
    let over_the_program = config(r#"{"claude": {"backend": "claude-code"}}"#, &shell);
    assert_eq!(over_the_program.claude.backend, Some(Backend::ClaudeCode));
}

#[test]
fn the_server_makes_a_key_when_others_could_reach_it_and_none_is_configured() {
    let needs = |text: &str, in_container| {
        config(text, &[("K", "key-0123456789-0123456789"), ("ANTHROPIC_API_KEY", "k")])
            .needs_generated_key(in_container)
    };
    assert!(needs("{}", false));
    assert!(needs(r#"{"server": {"host": "127.0.0.1"}}"#, true));
    assert!(!needs(r#"{"server": {"host": "127.0.0.1"}}"#, false));
    assert!(!needs(r#"{"server": {"host": "localhost"}}"#, false));
    assert!(!needs(r#"{"auth": {"api_keys": ["env:K"]}}"#, true));
    assert!(!needs(r#"{"auth": {"open": true}}"#, true));
}

#[test]
fn a_server_is_never_its_own_upstream() {
    for url in
        ["http://localhost:8000", "http://127.0.0.1:8000/", "http://[::1]:8000/v1", "http://0.0.0.0:8000"]
    {
        let said = refusal("{}", &[("ANTHROPIC_BASE_URL", url), ("ANTHROPIC_API_KEY", "k")]);
        assert!(said.contains("anthropic.base_url: points at this server itself"), "{said}");
        assert!(said.contains("environment variable ANTHROPIC_BASE_URL"), "{said}");
    }
    for url in ["http://localhost:8001", "https://localhost", "https://api.example:8000"] {
        let pairs = [("ANTHROPIC_BASE_URL", url), ("ANTHROPIC_API_KEY", "k")];
        assert_eq!(config("{}", &pairs).anthropic.base_url, url);
    }
    let program = refusal(r#"{"claude_code": {"base_url": "http://localhost:8000"}}"#, &[]);
    assert!(program.contains("claude_code.base_url: points at this server itself"), "{program}");
}

#[test]
fn values_that_mean_nothing_are_refused_with_what_would() {
    let cases = [
        (r#"{"server": {"host": "my.host"}}"#, "server.host: expected an IP address or `localhost`"),
        (
            r#"{"server": {"trusted_proxies": ["10.0.0.0/99"]}}"#,
            "server.trusted_proxies[0]: `10.0.0.0/99` is no address",
        ),
        (
            r#"{"server": {"cors_origins": ["app.example"]}}"#,
            "server.cors_origins[0]: expected an origin like",
        ),
        (r#"{"server": {"allowed_hosts": ["http://x"]}}"#, "server.allowed_hosts[0]: expected a host name"),
        (
            r#"{"anthropic": {"base_url": "api.anthropic.com"}}"#,
            "anthropic.base_url: expected an address like",
        ),
        (r#"{"anthropic": {"base_url": "https://a:b@c"}}"#, "anthropic.base_url: must not hold a user name"),
        (r#"{"claude": {"default_model": "default"}}"#, "claude.default_model: expected the name of a model"),
        (
            r#"{"claude_code": {"min_idle": 5, "max_idle": 2}}"#,
            "claude_code.min_idle: is more than `claude_code.max_idle`",
        ),
        (r#"{"logging": {"level": "LOUD"}}"#, "logging.level: expected TRACE, DEBUG"),
        (r#"{"rate_limiting": {"burst_size": 1}}"#, "rate_limiting.burst_size: has no effect without"),
    ];
    for (text, expected) in cases {
        let said = refusal(text, &[]);
        assert!(said.contains(expected) && said.contains("(in config.json)"), "{said}");
    }
}

#[test]
fn one_limit_on_idle_programs_moves_the_other_ones_default() {
    let idle = |text: &str| {
        let section = config(text, &[]).claude_code;
        (section.min_idle, section.max_idle)
    };
    assert_eq!(idle("{}"), (1, 4));
    assert_eq!(idle(r#"{"claude_code": {"max_idle": 0}}"#), (0, 0));
    assert_eq!(idle(r#"{"claude_code": {"min_idle": 6}}"#), (6, 6));
}

#[test]
fn data_lives_where_the_desktop_rules_say() {
    let dir = |pairs: &[(&str, &str)]| config("{}", pairs).data_dir.display().to_string();
    assert_eq!(dir(&[]), "/home/anna/.local/share/claude-code-proxy");
    assert_eq!(dir(&[("XDG_DATA_HOME", "/xdg")]), "/xdg/claude-code-proxy");
    assert_eq!(dir(&[("CCP_DATA_DIR", "~/proxy")]), "/home/anna/proxy");
    let nowhere = parse("{}", &Environment::new()).unwrap_err().to_string();
    assert!(nowhere.contains("data_dir: set it (CCP_DATA_DIR)"), "{nowhere}");
}

#[test]
fn built_in_tools_need_a_folder_and_callers_with_a_key() {
    let refused = |section: &str, more: &str| {
        refusal(&format!(r#"{{"claude_code": {{{section}}}{more}}}"#), &[("OWN", "the-token")])
    };
    let tools = r#""tools": ["Read", "Bash"], "working_directory": "/srv/work""#;
    let text = format!(r#"{{"claude_code": {{{tools}, "allowed_tools": ["Bash(git log *)"]}}}}"#);
    let section = config(&text, &[]).claude_code;
    assert_eq!(section.tools, ["Read", "Bash"]);
    assert_eq!(section.working_directory.unwrap().to_str(), Some("/srv/work"));
    assert!(config("{}", &[]).claude_code.tools.is_empty());
    let same = r#", "admin": {"token": "env:OWN"}, "auth": {"api_keys": ["env:OWN"]}"#;
    for (section, more, expected) in [
        (r#""tools": ["Read"]"#, "", "claude_code.working_directory: is needed"),
        (tools, r#", "auth": {"open": true}"#, "claude_code.tools: can't be combined with `auth.open`"),
        (
            r#""tools": ["Raed"], "working_directory": "/""#,
            "",
            "`Raed` is no built-in tool that can be used here; did you mean `Read`?",
        ),
        (r#""tools": ["AskUserQuestion"], "working_directory": "/""#, "", "known are Agent, Bash"),
        (r#""allowed_tools": ["Bash(ls)"]"#, "", "`Bash(ls)` is about a tool that is not among"),
        (r#""permission_mode": "bypassPermissions""#, "", "claude_code.permission_mode: expected"),
        (tools, same, "admin.token: is also a key of `auth.api_keys`"),
    ] {
        let said = refused(section, more);
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
    }
}

#[test]
fn responses_are_kept_for_thirty_days_unless_told_otherwise() {
    let kept = |text: &str, pairs: &[(&str, &str)]| {
        let openai = config(text, pairs).openai;
        (openai.store, openai.store_days, openai.store_max_bytes)
    };
    assert_eq!(kept("{}", &[]), (true, 30, 1 << 30));
    let typed = r#"{"openai": {"store_days": 7, "store_max_bytes": 5000000}}"#;
    assert_eq!(kept(typed, &[("CCP_OPENAI__STORE", "false")]), (false, 7, 5_000_000));
    for wrong in [r#"{"openai": {"store_days": 0}}"#, r#"{"openai": {"store_max_bytes": 1}}"#] {
        assert!(refusal(wrong, &[]).contains("openai.store_"), "{wrong}");
    }
}

#[test]
fn prices_limits_and_usage_mean_what_they_say_and_mistakes_are_named() {
    let typed = r#"{
        "prices": {"claude-opus-*": {"input": 4, "output": 20, "long": {"above": 1000, "input": 8, "output": 40}}},
        "usage": {"retention_days": 40},
        "auth": {"api_keys": [{"name": "anna", "key": "sha256:HASH", "limits": {"daily_budget_usd": 2.5}}]}
    }"#;
    let typed = typed.replace("sha256:HASH", &KeyHash::of("k").to_string());
    let config = config(&typed, &[]);
    let price = config.prices["claude-opus-*"];
    assert_eq!((price.rates.output, price.long.map(|long| long.rates.input)), (20.0, Some(8.0)));
    assert_eq!((config.usage.enabled, config.usage.retention_days), (true, 40));
    assert!(config.auth.api_keys[0].terms.has_budget());
    let without = typed.replace("\"retention_days\": 40", "\"enabled\": false");
    assert!(refusal(&without, &[]).contains("a budget needs `usage.enabled`"));
    for (from, to, said) in [
        ("\"output\": 20", "\"ouput\": 20", "unknown key; did you mean `prices.claude-opus-*.output`"),
        ("\"above\": 1000", "\"above\": \"x\"", "prices.claude-opus-*.long.above"),
        ("daily_budget_usd", "daily_usd", "auth.api_keys[0].limits.daily_usd"),
        ("2.5", "-1", "auth.api_keys[0].limits.daily_budget_usd"),
        ("40}", "7}", "usage.retention_days"),
    ] {
        let refused = refusal(&typed.replace(from, to), &[]);
        assert!(refused.contains(said), "{said}: {refused}");
    }
}
