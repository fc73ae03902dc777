//! What is said about mistakes, and what is never said.

use super::source::{Environment, Flag, Sources, load, parse};

fn env(pairs: &[(&str, &str)]) -> Environment {
    let home = [("HOME", "/home/anna")];
    home.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// All complaints about a configuration, one a line.
fn complaints(text: &str, pairs: &[(&str, &str)]) -> String {
    let error = parse(text, &env(pairs)).unwrap_err();
    error.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn unknown_keys_at_any_depth_name_the_file_and_the_key_that_was_meant() {
    let text = r#"{"sever": {}, "port": 1, "server": {"prot": 1, "maxBodyBytes": 1}, "metrics": {"colour": 1},
                   "auth": {"api_keys": [{"name": "a", "key": "env:HOME", "nmae": 1}]}}"#;
    let said = complaints(text, &[]);
    for expected in [
        "sever: unknown key; did you mean `server`? (in config.json)",
        "port: unknown key; did you mean `server.port`? (in config.json)",
        "server.prot: unknown key; did you mean `server.port`? (in config.json)",
        "server.maxBodyBytes: unknown key; did you mean `server.max_body_bytes`? (in config.json)",
        "metrics.colour: unknown key; known here: token (in config.json)",
        "auth.api_keys[0].nmae: unknown key; did you mean `auth.api_keys[0].name`? (in config.json)",
    ] {
        assert!(said.lines().any(|line| line == expected), "{expected}\nis not in\n{said}");
    }
    assert_eq!(said.lines().count(), 6, "{said}");
}

#[test]
fn unknown_variables_name_the_one_that_was_meant() {
    let said =
        complaints("{}", &[("CCP_SERVER_PORT", "1"), ("CCP_CONFIG", "elsewhere.json"), ("CCP_FOO", "1")]);
    assert!(
        said.contains("CCP_SERVER_PORT: unknown environment variable; did you mean `CCP_SERVER__PORT`?"),
        "{said}"
    );
    assert!(
        said.contains("CCP_FOO: unknown environment variable; `claude-code-proxy config schema`"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn unknown_flags_name_the_key_that_was_meant() {
    let flags = vec![Flag { name: "--set".to_owned(), key: "server.prot".to_owned(), value: "1".to_owned() }];
    let error = load(&Sources { flags, env: env(&[]), ..Sources::default() }).unwrap_err().to_string();
    assert_eq!(error, "configuration: server.prot: unknown key; did you mean `server.port`? (in --set)");
}

#[test]
fn wrong_kinds_name_key_source_and_what_was_expected() {
    let text = r#"{"server": {"port": "8000", "host": 1}, "strict": "yes", "openai": {"aliases": {"a": 1}},
                   "claude": {"backend": "bedrok", "timeout": 0, "max_tokens": 1.5}, "logging": [],
                   "auth": {"api_keys": [7, {"name": "a"}]}}"#;
    let said = complaints(text, &[("CCP_SERVER__PORT", "70000"), ("CCP_SERVER__WORKERS", "many")]);
    for expected in [
        r#"server.port: expected a whole number from 0 to 65535, found "8000" (in config.json)"#,
        "server.host: expected a string, found 1 (in config.json)",
        r#"strict: expected true or false, found "yes" (in config.json)"#,
        "openai.aliases.a: expected a string, found 1 (in config.json)",
        r#"claude.backend: expected "anthropic" or "claude-code", found "bedrok" (in config.json)"#,
        "claude.timeout: expected a number of seconds from 0.001 to 604800, found 0 (in config.json)",
        "claude.max_tokens: expected a whole number from 1 to 10000000, found 1.5 (in config.json)",
        "logging: expected an object, found a list (in config.json)",
        "auth.api_keys[0]: expected a string or an object, found a value of another kind (in config.json)",
        "auth.api_keys[1]: `key` is missing (in config.json)",
        "server.port: expected a whole number from 0 to 65535, found 70000 (in environment variable CCP_SERVER__PORT)",
        "server.workers: expected a whole number from 1 to 1024, found `many` (in environment variable CCP_SERVER__WORKERS)",
    ] {
        assert!(said.lines().any(|line| line == expected), "{expected}\nis not in\n{said}");
    }
    assert_eq!(said.lines().count(), 12, "{said}");
}

#[test]
fn lists_and_maps_in_the_environment_ask_for_json() {
    let said = complaints(
        "{}",
        &[("CCP_SERVER__CORS_ORIGINS", "https://app.example"), ("CCP_OPENAI__ALIASES", "a=b")],
    );
    assert!(said.contains("server.cors_origins: expected a list as JSON, like [\"a\", \"b\"]"), "{said}");
    assert!(said.contains("openai.aliases: expected an object as JSON"), "{said}");
}

#[test]
fn a_wrong_secret_is_never_repeated() {
    let secret = "very-secret-0123456789";
    let text = format!(
        r#"{{"anthropic": {{"api_key": ["{secret}"]}}, "auth": {{"api_keys": "{secret}"}},
            "claude_code": {{"env": {{"TOKEN": ["{secret}"]}}}}, "server": {{"port": "sk-{secret}"}}}}"#
    );
    let said = complaints(&text, &[("CCP_AUTH__API_KEYS", secret), ("CCP_CLAUDE_CODE__ENV", secret)]);
    assert!(!said.contains("very-secret"), "{said}");
    let literal = complaints(&format!(r#"{{"auth": {{"api_keys": ["{secret}", "sha256:{secret}"]}}}}"#), &[]);
    assert!(!literal.contains("very-secret") && literal.contains("sha256sum"), "{literal}");
}
