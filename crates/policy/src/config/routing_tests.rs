//! Several backends and their routes: what they mean, and what is refused.

use serde_json::json;

use crate::config::{Config, Environment, Upstream, parse, redacted};

fn env(pairs: &[(&str, &str)]) -> Environment {
    let usual = [("HOME", "/home/anna"), ("KEY_A", "key-a"), ("KEY_B", "key-b")];
    usual.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const TWO: &str = r#""backends": {"a": {"kind": "anthropic", "api_key": "env:KEY_A"},
    "b": {"kind": "anthropic", "auth_token": "env:KEY_B", "base_url": "https://gateway.test/team/"}}"#;

fn with(more: &str) -> String {
    format!("{{{TWO}{more}}}")
}

fn config(text: &str) -> Config {
    parse(text, &env(&[])).unwrap().config
}

fn refusal(text: &str) -> String {
    parse(text, &env(&[])).unwrap_err().to_string()
}

fn first_target<'a>(config: &'a Config, model: &str) -> Option<&'a str> {
    config.routing.routes.find(model).map(|route| route.targets[0].backend.as_str())
}

#[test]
fn a_configuration_without_names_has_one_backend_for_everything() {
    let plain = parse("{}", &env(&[("ANTHROPIC_API_KEY", "k")])).unwrap().config;
    let Some(Upstream::Anthropic(section)) = plain.backends.get("anthropic") else { panic!("{plain:?}") };
    assert_eq!((section, plain.backends.len()), (&plain.anthropic, 1));
    assert_eq!(first_target(&plain, "any"), Some("anthropic"));
    let program = config("{}");
    assert_eq!(program.backends.get("claude-code"), Some(&Upstream::ClaudeCode));
    assert_eq!(first_target(&program, "any"), Some("claude-code"));
}

#[test]
fn backends_have_names_and_routes_name_them() {
    let routes = r#", "routing": {"routes": [
        {"models": ["claude-opus-*"], "targets": [{"backend": "b", "weight": 3, "model": "m"}, "a"]},
        {"models": ["claude-*"], "targets": ["a", "b"]}]}"#;
    let config = config(&with(routes));
    let kinds: Vec<_> =
        config.backends.iter().map(|(name, upstream)| (name.as_str(), upstream.kind())).collect();
    assert_eq!(kinds, [("a", "anthropic"), ("b", "anthropic")]);
    assert_eq!(
        ["claude-opus-5", "claude-sonnet-5", "gpt"].map(|m| first_target(&config, m)),
        [Some("b"), Some("a"), None]
    );
    let target = &config.routing.routes.find("claude-opus-5").unwrap().targets[0];
    assert_eq!((target.weight, target.model.as_deref()), (3, Some("m")));
    assert_eq!(config.claude.backend, None);
}

#[test]
fn what_several_backends_look_like_holds_no_secret_and_can_be_typed_in_again() {
    let loaded =
        parse(&with(r#", "routing": {"routes": [{"models": ["*"], "targets": ["a"]}]}"#), &env(&[])).unwrap();
    assert_eq!(loaded.notices, ["Backend `b` is in no route: nothing is sent to it."]);
    let shown = redacted(&loaded.config);
    assert_eq!(
        shown["backends"],
        json!({"a": {"kind": "anthropic", "base_url": "https://api.anthropic.com", "api_key": "***"},
               "b": {"kind": "anthropic", "base_url": "https://gateway.test/team", "auth_token": "***"}})
    );
    assert_eq!(shown["routing"]["routes"], json!([{"models": ["*"], "targets": [{"backend": "a"}]}]));
    let debug = format!("{loaded:?}");
    assert!(!debug.contains("key-a") && !debug.contains("key-b"), "{debug}");
    assert!(parse(&shown.to_string(), &env(&[])).is_ok());
}

#[test]
fn what_can_not_work_is_named_by_its_place_with_what_would() {
    let backend = |fields: &str| format!(r#"{{"backends": {{"x": {{{fields}}}}}}}"#);
    let route = |route: &str| with(&format!(r#", "routing": {{"routes": [{route}]}}"#));
    for (text, expected) in [
        (
            with(""),
            r#"routing.routes: is needed with several backends, like `[{"models": ["*"], "targets": ["a", "b"]}]`"#,
        ),
        (backend(""), "backends.x: `kind` is missing"),
        (backend(r#""kind": "antropic""#), r#"backends.x.kind: expected "anthropic" or"#),
        (backend(r#""kind": "anthropic""#), "backends.x: needs `api_key` or `auth_token`"),
        (
            backend(r#""kind": "anthropic", "api_key": "env:NONE""#),
            "backends.x.api_key: the environment variable `NONE`",
        ),
        (
            backend(r#""kind": "anthropic", "api_key": "k", "auth_token": "t""#),
            "backends.x.auth_token: give this or",
        ),
        (
            backend(r#""kind": "anthropic", "api_kye": "k""#),
            "backends.x.api_kye: unknown key; did you mean `backends.x.api_key`?",
        ),
        (
            backend(r#""kind": "anthropic", "api_key": "sk-ant-oat01-x""#),
            "backends.x.api_key: this is the token of a Claude account",
        ),
        (
            backend(r#""kind": "anthropic", "api_key": "k", "base_url": "http://localhost:8000""#),
            "backends.x.base_url: points at this server",
        ),
        (
            backend(r#""kind": "claude-code", "api_key": "k""#),
            "backends.x.api_key: has no meaning for the kind `claude-code`",
        ),
        (
            backend(r#""kind": "passthrough", "api_key": "k""#),
            "backends.x.api_key: has no meaning for the kind `passthrough`",
        ),
        (
            r#"{"backends": {"a b": {"kind": "claude-code"}}}"#.to_owned(),
            "backends.a b: a name has 1 to 64 letters",
        ),
        (
            r#"{"backends": {"a": {"kind": "claude-code"}, "b": {"kind": "claude-code"}}}"#.to_owned(),
            "backends.b.kind: is the second",
        ),
        (r#"{"backends": {}}"#.to_owned(), "backends: names nothing that could serve"),
        (
            route(r#"{"models": ["*"], "targets": ["c"]}"#),
            "routing.routes[0].targets[0]: `c` is no backend; did you mean",
        ),
        (
            route(r#"{"models": ["*"], "targets": ["a", "a"]}"#),
            "routing.routes[0].targets[1]: `a` is in this route already",
        ),
        (
            route(r#"{"models": ["*"], "targets": []}"#),
            "routing.routes[0].targets: needs the name of a backend",
        ),
        (route(r#"{"models": [], "targets": ["a"]}"#), "routing.routes[0].models: needs a pattern"),
        (
            route(r#"{"models": ["*", "*"], "targets": ["a"]}"#),
            "routing.routes[0].models[1]: `*` is in an earlier place",
        ),
        (
            route(r#"{"models": ["*"], "targets": [{"backend": "a", "weight": 0}]}"#),
            "routing.routes[0].targets[0].weight: expected a whole number from 1",
        ),
        (route(r#"{"targets": ["a"]}"#), "routing.routes[0]: `models` is missing"),
    ] {
        let said = refusal(&text);
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
        assert!(!said.contains("oat01"), "{said}");
    }
}

#[test]
fn a_claude_login_among_several_backends_serves_its_operator_alone() {
    let text = |auth: &str| {
        format!(
            r#"{{"backends": {{"api": {{"kind": "anthropic", "api_key": "env:KEY_A"}}, "mine": {{"kind": "claude-code"}}}},
                "routing": {{"routes": [{{"models": ["*"], "targets": ["api", "mine"]}}]}}, "auth": {auth}}}"#
        )
    };
    for auth in [r#"{"open": true}"#, r#"{"api_keys": ["env:KEY_A", "env:KEY_B"]}"#] {
        let said = refusal(&text(auth));
        assert!(said.contains("Consumer Terms of Service"), "{said}");
    }
    assert!(config(&text("{}")).operator_only());
    let by_key = parse(&text(r#"{"open": true}"#), &env(&[("CLAUDE_CODE_USE_BEDROCK", "1")])).unwrap();
    assert!(!by_key.config.operator_only());
}

#[test]
fn backends_can_come_from_the_environment_without_being_shown() {
    let pairs = [("CCP_BACKENDS", r#"{"x": {"kind": "anthropic", "api_key": "very-secret"}}"#)];
    let loaded = parse("{}", &env(&pairs)).unwrap();
    assert!(loaded.config.backends.contains_key("x"));
    let said = parse("{}", &env(&[("CCP_BACKENDS", "very-secret")])).unwrap_err().to_string();
    assert!(said.contains("expected an object") && !said.contains("very-secret"), "{said}");
}

#[test]
fn one_backend_by_name_needs_no_routes_and_the_section_is_not_its_key() {
    let pairs = [("ANTHROPIC_API_KEY", "of-the-shell")];
    let text = r#"{"claude": {"backend": "claude-code"}, "backends": {"own": {"kind": "passthrough"}}}"#;
    let loaded = parse(text, &env(&pairs)).unwrap();
    assert_eq!(first_target(&loaded.config, "any"), Some("own"));
    assert_eq!(loaded.notices, ["`claude.backend` has no effect beside `backends`."]);
}

#[test]
fn clouds_have_regions_and_credentials_of_their_own_or_those_of_the_machine() {
    let text = r#"{"backends": {
        "aws": {"kind": "bedrock", "access_key_id": "env:KEY_A", "secret_access_key": "env:KEY_B",
                "models": {"claude-sonnet-5": "us.anthropic.claude-sonnet-5-v1:0"}},
        "key": {"kind": "bedrock", "region": "eu-west-1", "bearer_token": "env:KEY_A"},
        "gcp": {"kind": "vertex", "project": "mine", "access_token": "env:KEY_A"},
        "adc": {"kind": "vertex", "region": "us-east5", "credentials": "{\"type\": \"service_account\"}"}},
      "routing": {"routes": [{"models": ["*"], "targets": ["aws", "key", "gcp", "adc"]}]}}"#;
    let config = parse(text, &env(&[("AWS_REGION", "us-west-2")])).unwrap().config;
    let Some(Upstream::Bedrock(aws)) = config.backends.get("aws") else { panic!("{config:?}") };
    assert_eq!((aws.region.as_str(), aws.models.len()), ("us-west-2", 1));
    let Some(Upstream::Bedrock(key)) = config.backends.get("key") else { panic!("{config:?}") };
    assert_eq!((key.region.as_str(), key.bearer_token.as_ref().unwrap().expose()), ("eu-west-1", "key-a"));
    let Some(Upstream::Vertex(gcp)) = config.backends.get("gcp") else { panic!("{config:?}") };
    assert_eq!((gcp.region.as_str(), gcp.project.as_deref()), ("global", Some("mine")));
    let shown = redacted(&config).to_string();
    assert!(
        !shown.contains("key-a") && !shown.contains("key-b") && !shown.contains("service_account"),
        "{shown}"
    );

    let backend = |fields: &str| refusal(&format!(r#"{{"backends": {{"x": {{{fields}}}}}}}"#));
    for (fields, expected) in [
        (r#""kind": "bedrock""#, "backends.x.region: expected an AWS region"),
        (r#""kind": "bedrock", "region": "us/east""#, "backends.x.region: expected an AWS region"),
        (
            r#""kind": "bedrock", "region": "us-east-1", "access_key_id": "a""#,
            "backends.x.access_key_id: needs `secret_access_key`",
        ),
        (
            r#""kind": "bedrock", "region": "us-east-1", "session_token": "a""#,
            "backends.x.session_token: needs `access_key_id`",
        ),
        (
            r#""kind": "bedrock", "region": "r", "bearer_token": "t", "access_key_id": "a", "secret_access_key": "b""#,
            "backends.x.bearer_token: give this or an access key",
        ),
        (
            r#""kind": "bedrock", "region": "us-east-1", "project": "p""#,
            "backends.x.project: has no meaning for the kind `bedrock`",
        ),
        (
            r#""kind": "vertex", "credentials": "key.json""#,
            "backends.x.credentials: is not the JSON of Google's credentials",
        ),
        (
            r#""kind": "vertex", "access_token": "t", "credentials": "{}""#,
            "backends.x.access_token: give this or `credentials`",
        ),
        (r#""kind": "vertex", "project": "a/b""#, "backends.x.project: expected the id of a project"),
        (
            r#""kind": "anthropic", "api_key": "k", "region": "r""#,
            "backends.x.region: has no meaning for the kind `anthropic`",
        ),
    ] {
        let said = backend(fields);
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
    }
}
