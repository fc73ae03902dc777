use super::*;
use crate::config::{Environment, parse};
use crate::keys::KeyHash;

const KEY: &str = "ccp_of_the_operator_0123456789";

fn config(text: &str) -> Config {
    let env = Environment::from([
        ("HOME".to_owned(), "/home/anna".to_owned()),
        ("ANTHROPIC_API_KEY".to_owned(), "sk-ant-api03-x".to_owned()),
        ("PROXY_KEY".to_owned(), KEY.to_owned()),
    ]);
    parse(text, &env).unwrap().config
}

fn generated() -> Option<ConfiguredKey> {
    Some(ConfiguredKey::unnamed(KeyHash::of(KEY)))
}

/// A server as a newcomer starts it: listening on all addresses, with a key of its own making.
fn newcomer() -> Gate {
    Gate::new(&config("{}"), generated(), false)
}

fn curl() -> Caller<'static> {
    Caller {
        peer: [127, 0, 0, 1].into(),
        host: Some("localhost:8000"),
        origin: None,
        fetch_site: None,
        forwarded: false,
        key: None,
        now: 0,
    }
}

fn remote() -> Caller<'static> {
    Caller { peer: [192, 168, 1, 7].into(), host: Some("192.168.1.5:8000"), ..curl() }
}

fn kind(result: Result<Identity, Denied>) -> DeniedKind {
    result.unwrap_err().kind
}

#[test]
fn a_local_program_needs_no_key_on_a_server_with_all_defaults() {
    assert_eq!(newcomer().admit(&curl()), Ok(Identity::Local));
}

#[test]
fn a_local_program_may_send_any_key_while_none_is_configured() {
    for key in ["dummy-key", "", "sk-ant-api03-of-somebody"] {
        assert_eq!(newcomer().admit(&Caller { key: Some(key), ..curl() }), Ok(Identity::Local), "{key:?}");
    }
}

#[test]
fn loopback_is_local_in_every_spelling() {
    for (peer, host) in
        [("::1", "[::1]:8000"), ("::ffff:127.0.0.1", "127.0.0.1"), ("127.0.0.9", "api.localhost")]
    {
        let caller = Caller { peer: peer.parse().unwrap(), host: Some(host), ..curl() };
        assert_eq!(newcomer().admit(&caller), Ok(Identity::Local), "{peer} {host}");
    }
}

#[test]
fn a_remote_caller_needs_the_key_that_the_server_made() {
    assert_eq!(kind(newcomer().admit(&remote())), DeniedKind::Unauthenticated);
    assert_eq!(
        kind(newcomer().admit(&Caller { key: Some("dummy-key"), ..remote() })),
        DeniedKind::Unauthenticated
    );
    let admitted = newcomer().admit(&Caller { key: Some(KEY), ..remote() });
    assert!(matches!(admitted, Ok(Identity::Key(_))), "{admitted:?}");
}

#[test]
fn a_rebound_name_does_not_make_a_web_page_local() {
    let caller = Caller { host: Some("evil.example:8000"), ..curl() };
    assert_eq!(kind(newcomer().admit(&caller)), DeniedKind::Forbidden);
    assert_eq!(kind(newcomer().admit(&Caller { host: None, ..curl() })), DeniedKind::Forbidden);
}

#[test]
fn a_page_of_another_site_is_refused_and_so_is_one_that_hides_where_it_is_from() {
    for origin in ["https://evil.example", "null", "", "file://"] {
        let caller = Caller { origin: Some(origin), ..curl() };
        assert_eq!(kind(newcomer().admit(&caller)), DeniedKind::Forbidden, "{origin:?}");
    }
}

#[test]
fn an_image_or_link_on_another_site_is_refused_on_get_too() {
    let caller = Caller { fetch_site: Some("cross-site"), ..curl() };
    assert_eq!(kind(newcomer().admit(&caller)), DeniedKind::Forbidden);
    for own in ["none", "same-origin", "same-site"] {
        assert_eq!(
            newcomer().admit(&Caller { fetch_site: Some(own), ..curl() }),
            Ok(Identity::Local),
            "{own}"
        );
    }
}

#[test]
fn a_page_of_this_machine_may_call() {
    let caller = Caller { origin: Some("http://localhost:3000"), fetch_site: Some("same-site"), ..curl() };
    assert_eq!(newcomer().admit(&caller), Ok(Identity::Local));
}

#[test]
fn a_listed_origin_may_call_and_a_wildcard_opens_nothing_without_a_key() {
    let page = Caller { origin: Some("https://app.example"), fetch_site: Some("cross-site"), ..curl() };
    let listed = config(r#"{"server": {"cors_origins": ["https://app.example"]}}"#);
    assert_eq!(Gate::new(&listed, generated(), false).admit(&page), Ok(Identity::Local));
    let any = Gate::new(&config(r#"{"server": {"cors_origins": ["*"]}}"#), generated(), false);
    assert_eq!(kind(any.admit(&page)), DeniedKind::Forbidden);
    assert!(any.admit(&Caller { key: Some(KEY), ..page }).is_ok());
}

#[test]
fn a_tunnel_on_this_machine_is_not_local() {
    let tunnel = Caller { forwarded: true, ..curl() };
    assert_eq!(kind(newcomer().admit(&tunnel)), DeniedKind::Unauthenticated);
    assert!(newcomer().admit(&Caller { key: Some(KEY), ..tunnel }).is_ok());
}

#[test]
fn without_any_key_a_tunnel_is_told_that_none_is_configured() {
    let loopback = Gate::new(&config(r#"{"server": {"host": "127.0.0.1"}}"#), None, false);
    let denied = loopback.admit(&Caller { forwarded: true, ..curl() }).unwrap_err();
    assert_eq!(denied.kind, DeniedKind::Forbidden);
    assert!(denied.reason.contains("auth.api_keys"), "{denied}");
    assert_eq!(loopback.admit(&curl()), Ok(Identity::Local));
}

#[test]
fn in_a_container_everyone_needs_the_key() {
    let gate = Gate::new(&config("{}"), generated(), true);
    assert_eq!(kind(gate.admit(&curl())), DeniedKind::Unauthenticated);
    assert!(gate.admit(&Caller { key: Some(KEY), ..curl() }).is_ok());
}

#[test]
fn configured_keys_are_asked_of_everyone() {
    let gate = Gate::new(
        &config(r#"{"auth": {"api_keys": [{"name": "anna", "key": "env:PROXY_KEY"}]}}"#),
        None,
        false,
    );
    assert_eq!(kind(gate.admit(&curl())), DeniedKind::Unauthenticated);
    assert_eq!(kind(gate.admit(&Caller { key: Some("dummy-key"), ..curl() })), DeniedKind::Unauthenticated);
    for caller in [curl(), remote(), Caller { host: Some("gateway.example"), forwarded: true, ..remote() }] {
        match gate.admit(&Caller { key: Some(KEY), ..caller }) {
            Ok(Identity::Key(id)) => assert_eq!(id.name(), Some("anna")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn only_an_open_server_serves_strangers_and_still_tells_its_keys_apart() {
    let open = config(r#"{"auth": {"open": true, "api_keys": ["env:PROXY_KEY"]}}"#);
    let gate = Gate::new(&open, None, true);
    assert_eq!(gate.admit(&remote()), Ok(Identity::Open));
    assert!(matches!(gate.admit(&Caller { key: Some(KEY), ..remote() }), Ok(Identity::Key(_))));
}

#[test]
fn a_refusal_says_what_to_do_and_repeats_nothing_that_was_sent() {
    let gate = newcomer();
    let sent = Caller { key: Some("sk-secret-of-the-caller"), ..remote() };
    let invalid = gate.admit(&sent).unwrap_err().reason;
    let missing = gate.admit(&remote()).unwrap_err().reason;
    let foreign = gate.admit(&Caller { host: Some("evil.example"), ..curl() }).unwrap_err().reason;
    assert!(invalid.starts_with("Invalid API key") && !invalid.contains("sk-secret"), "{invalid}");
    assert!(missing.starts_with("Missing API key") && missing.contains("x-api-key"), "{missing}");
    assert!(foreign.contains("server.allowed_hosts") && !foreign.contains("evil.example"), "{foreign}");
}

fn issued(revoked: bool) -> IssuedKey {
    let hashes = vec![(KeyHash::of("issued"), None)];
    IssuedKey {
        id: "key_1".into(),
        name: "team".into(),
        terms: crate::keys::Terms::default(),
        expires_at: Some(100),
        revoked,
        hashes,
    }
}

#[test]
fn a_key_that_is_issued_opens_at_once_and_one_that_is_taken_back_no_more() {
    let gate = newcomer();
    gate.issue(vec![issued(false)], 1);
    let with_key = |now| Caller { key: Some("issued"), now, ..remote() };
    assert!(matches!(gate.admit(&with_key(99)), Ok(Identity::Key(id)) if id.name() == Some("team")));
    let expired = gate.admit(&with_key(100)).unwrap_err();
    assert!(expired.reason.contains("has expired") && expired.key.is_some_and(|id| id.id() == "key_1"));
    gate.issue(vec![issued(true)], 2);
    assert_eq!(gate.change(), Some(2));
    assert!(gate.admit(&with_key(0)).unwrap_err().reason.contains("was revoked"));
    assert!(
        matches!(gate.admit(&Caller { key: Some(KEY), ..remote() }), Ok(Identity::Key(_))),
        "the others stay"
    );
}

#[test]
fn issued_keys_open_no_personal_account_and_change_nothing_for_its_operator() {
    let text = r#"{"claude": {"backend": "claude-code"}, "claude_code": {"credentials": "login"}}"#;
    let gate = Gate::new(&config(text), None, false);
    gate.issue(vec![issued(false)], 1);
    gate.ask_everybody();
    assert_eq!(gate.change(), Some(1));
    assert_eq!(kind(gate.admit(&Caller { key: Some("issued"), ..remote() })), DeniedKind::Forbidden);
    assert!(matches!(gate.admit(&curl()), Ok(Identity::Local)));
}

#[test]
fn once_keys_were_issued_local_programs_need_one_too() {
    let gate = newcomer();
    gate.issue(vec![issued(true)], 1);
    assert_eq!(kind(gate.admit(&curl())), DeniedKind::Unauthenticated);
    gate.issue(Vec::new(), 2);
    assert_eq!(kind(gate.admit(&curl())), DeniedKind::Unauthenticated, "nothing opens by itself");
    let unsure = newcomer();
    unsure.ask_everybody();
    assert_eq!(kind(unsure.admit(&curl())), DeniedKind::Unauthenticated);
}
