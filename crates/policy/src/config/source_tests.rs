//! Precedence, lookup, and how a configuration is shown.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::config::{Backend, LogLevel, RateLimiting, redacted, schema};

fn env(pairs: &[(&str, &str)]) -> Environment {
    let home = [("HOME", "/home/anna")];
    home.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config(text: &str, pairs: &[(&str, &str)]) -> Config {
    parse(text, &env(pairs)).unwrap().config
}

fn flag(name: &str, key: &str, value: &str) -> Flag {
    Flag { name: name.to_owned(), key: key.to_owned(), value: value.to_owned() }
}

#[test]
fn every_key_of_the_example_file_works() {
    let text = r#"{ "server": {"host": "0.0.0.0", "port": 8000, "workers": 4},
        "claude": {"default_model": "claude-sonnet-5-5", "max_tokens": 4096, "timeout": 30},
        "logging": {"level": "INFO", "format": "json"},
        "rate_limiting": {"requests_per_minute": 60, "burst_size": 10} }"#;
    let config = config(text, &[]);
    assert_eq!(config.server.address(), "0.0.0.0:8000".parse().unwrap());
    assert_eq!((config.server.workers, config.claude.max_tokens), (4, 4096));
    assert_eq!(config.claude.timeout, Duration::from_secs(30));
    assert_eq!(config.rate_limiting, Some(RateLimiting { requests_per_minute: 60, burst_size: 10 }));
}

#[test]
fn an_empty_configuration_has_the_documented_defaults() {
    let shown = redacted(&config("{}", &[]));
    let server = json!({
        "host": "0.0.0.0", "port": 8000, "workers": shown["server"]["workers"], "max_body_bytes": 33_554_432,
        "max_connections": 1024, "header_timeout": 15, "idle_timeout": 120, "drain_timeout": 30,
        "trusted_proxies": [], "cors_origins": [], "allowed_hosts": []
    });
    assert_eq!(shown["server"], server);
    assert_eq!(shown["claude"]["default_model"], "claude-sonnet-5-5");
    assert_eq!(
        (&shown["claude"]["timeout"], &shown["claude"]["response_timeout"]),
        (&json!(30), &json!(600))
    );
    assert_eq!(shown["claude_code"]["silence_timeout"], 300);
    assert_eq!((&shown["rate_limiting"], &shown["strict"]), (&json!(null), &json!(false)));
    assert_eq!(shown["data_dir"], "/home/anna/.local/share/claude-code-proxy");
}

#[test]
fn flags_go_before_variables_before_short_names_before_the_file_before_defaults() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.json"), r#"{"server": {"port": 2, "host": "127.0.0.2"}}"#).unwrap();
    let mut sources = Sources { env: env(&[]), cwd: dir.path().to_owned(), ..Sources::default() };
    let mut port = |change: &dyn Fn(&mut Sources)| {
        change(&mut sources);
        let loaded = load(&sources).unwrap();
        (loaded.config.server.port, loaded.origins.of("server.port").to_string())
    };
    let file = dir.path().join("config.json").display().to_string();
    assert_eq!(port(&|_| {}), (2, file));
    let add = |name: &'static str, value: &'static str| {
        move |sources: &mut Sources| drop(sources.env.insert(name.to_owned(), value.to_owned()))
    };
    assert_eq!(port(&add("PORT", "3")), (3, "environment variable PORT".to_owned()));
    assert_eq!(port(&add("CCP_SERVER__PORT", "4")), (4, "environment variable CCP_SERVER__PORT".to_owned()));
    let set_flag = |sources: &mut Sources| sources.flags.push(flag("--port", "server.port", "5"));
    assert_eq!(port(&set_flag), (5, "--port".to_owned()));
    assert_eq!(load(&sources).unwrap().config.server.host.to_string(), "127.0.0.2", "other keys stay");
}

#[test]
fn the_file_goes_before_keys_that_are_shared_with_other_programs() {
    let text = r#"{"anthropic": {"api_key": "from-the-file"}}"#;
    let config =
        config(text, &[("ANTHROPIC_API_KEY", "shared"), ("ANTHROPIC_BASE_URL", "https://gateway.example/")]);
    assert_eq!(config.anthropic.api_key.unwrap().expose(), "from-the-file");
    assert_eq!(config.anthropic.base_url, "https://gateway.example");
}

#[test]
fn every_key_is_an_environment_variable_of_its_own_kind() {
    let config = config(
        "{}",
        &[
            ("CCP_CLAUDE__TIMEOUT", "0.5"),
            ("CCP_STRICT", "true"),
            ("CCP_SERVER__TRUSTED_PROXIES", r#"["10.0.0.0/8"]"#),
            ("CCP_OPENAI__ALIASES", r#"{"gpt-*": "claude-opus-5"}"#),
            ("CCP_CLAUDE__BACKEND", "claude-code"),
            ("CCP_RATE_LIMITING__REQUESTS_PER_MINUTE", "5"),
            ("CCP_DATA_DIR", "/data"),
            ("LOG_LEVEL", "warning"),
        ],
    );
    assert_eq!(config.claude.timeout, Duration::from_millis(500));
    assert!(config.strict);
    assert_eq!(config.server.trusted_proxies[0].to_string(), "10.0.0.0/8");
    assert_eq!(config.openai.aliases.resolve("gpt-9"), Some("claude-opus-5"));
    assert_eq!(config.claude.backend, Some(Backend::ClaudeCode));
    assert_eq!(config.rate_limiting, Some(RateLimiting { requests_per_minute: 5, burst_size: 5 }));
    assert_eq!((config.data_dir.to_str(), config.logging.level), (Some("/data"), LogLevel::Warning));
}

#[test]
fn every_known_variable_is_accepted_and_an_empty_one_counts_as_not_set() {
    for key in crate::config::schema::keys() {
        assert!(parse("{}", &env(&[(&key.variable, "")])).is_ok(), "{}", key.variable);
    }
}

#[test]
fn the_first_file_found_is_the_only_one_read() {
    let dir = tempfile::tempdir().unwrap();
    let user = dir.path().join("xdg/claude-code-proxy");
    fs::create_dir_all(&user).unwrap();
    let write = |path: &str, port: u16| {
        fs::write(dir.path().join(path), format!(r#"{{"server": {{"port": {port}}}}}"#)).unwrap();
    };
    let xdg = dir.path().join("xdg").display().to_string();
    let mut sources =
        Sources { env: env(&[("XDG_CONFIG_HOME", &xdg)]), cwd: dir.path().to_owned(), ..Sources::default() };
    let port = |sources: &Sources| load(sources).unwrap().config.server.port;
    assert_eq!(port(&sources), 8000);
    write("xdg/claude-code-proxy/config.json", 1);
    assert_eq!(port(&sources), 1);
    write("config.json", 2);
    assert_eq!(port(&sources), 2);
    write("by-variable.json", 3);
    sources.env.insert("CCP_CONFIG".to_owned(), "by-variable.json".to_owned());
    assert_eq!(port(&sources), 3);
    write("by-flag.json", 4);
    sources.file = Some("by-flag.json".into());
    assert_eq!(port(&sources), 4);
}

#[test]
fn a_named_file_must_be_there_and_hold_a_json_object() {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = Sources { env: env(&[]), cwd: dir.path().to_owned(), ..Sources::default() };
    sources.file = Some("config.json".into());
    let message = |sources: &Sources| load(sources).unwrap_err().to_string();
    assert!(message(&sources).contains("can't be read"), "{}", message(&sources));
    for (text, expected) in [("{\"server\": }", "no valid JSON"), ("[]", "expected a JSON object")] {
        fs::write(dir.path().join("config.json"), text).unwrap();
        let said = message(&sources);
        assert!(said.contains(expected) && said.contains("config.json"), "{said}");
    }
}

#[test]
fn null_means_not_set_and_schema_is_for_editors() {
    let text = r#"{"$schema": "./schema.json", "server": {"port": null}, "metrics": null}"#;
    assert_eq!(config(text, &[]).server.port, 8000);
}

#[test]
fn what_is_shown_holds_no_secret_and_says_where_each_value_is_from() {
    let text = r#"{"auth": {"api_keys": [{"name": "anna", "key": "env:ANNA"}]}, "metrics": {"token": "very-secret"},
                   "claude_code": {"env": {"HTTPS_PROXY": "http://u:very-secret@proxy"}}}"#;
    let variables = [("ANNA", "very-secret-and-long-enough"), ("ANTHROPIC_API_KEY", "very-secret")];
    let loaded = parse(text, &env(&variables)).unwrap();
    let debug = format!("{loaded:?}");
    let shown = redacted(&loaded.config).to_string();
    assert!(!debug.contains("very-secret") && !shown.contains("very-secret"), "{debug}\n{shown}");
    let settings = loaded.settings();
    let setting = |key: &str| settings.iter().find(|setting| setting.key == key).unwrap();
    let from = |key: &str| setting(key).origin.to_string();
    assert_eq!(setting("anthropic.api_key").value, "***");
    assert_eq!(from("anthropic.api_key"), "environment variable ANTHROPIC_API_KEY");
    assert_eq!(
        (from("metrics.token"), from("server.port")),
        ("config.json".to_owned(), "default".to_owned())
    );
    assert_eq!(setting("auth.api_keys").value, json!([{"name": "anna", "key": "***"}]));
    assert_eq!(from("claude.backend"), "derived");
}

#[test]
fn what_is_shown_can_be_typed_in_again() {
    let mut shown = redacted(&config("{}", &[]));
    shown["server"]["port"] = json!(9000);
    assert_eq!(config(&shown.to_string(), &[]).server.port, 9000);
}

#[test]
fn the_schema_names_every_key_with_its_default() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let port = &schema["properties"]["server"]["properties"]["port"];
    assert_eq!(
        (&port["type"], &port["default"], &port["maximum"]),
        (&json!("integer"), &json!(8000), &json!(65535))
    );
    let format = &schema["properties"]["logging"]["properties"]["format"];
    assert_eq!((&format["enum"], &format["default"]), (&json!(["json", "pretty"]), &json!("json")));
    assert_eq!(schema["properties"]["server"]["additionalProperties"], false);
}
