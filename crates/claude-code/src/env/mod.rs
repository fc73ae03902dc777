//! The child's environment, built from nothing: named variables of the operator, exactly one credential set, and what
//! makes the program behave as an API. Proxies and certificate authorities only by configuration.

mod names;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use names::{BEDROCK, CREDENTIALS, DEFAULT_PATH, FIXED, OPERATOR, OWN, VERTEX};

use crate::scratch::Scratch;
use crate::settings::{Credentials, OperatorEnvironment, Settings, SetupError};

pub(crate) type Variables = Vec<(OsString, OsString)>;

/// Refuses settings that would leave the child without its credentials or with another's.
pub(crate) fn check(settings: &Settings) -> Result<(), SetupError> {
    for (name, _) in &settings.extra_env {
        let shown = name.to_string_lossy();
        let among = |names: &[&str]| names.iter().any(|own| *own == shown);
        let reason = if among(&CREDENTIALS) {
            "who pays is chosen by claude_code.credentials"
        } else if among(&OWN) || FIXED.iter().any(|(own, _)| *own == shown) {
            "the proxy sets it itself"
        } else if shown.is_empty() || shown.contains(['=', '\0']) {
            "it is not a variable name"
        } else {
            continue;
        };
        return Err(SetupError::ReservedVariable { name: shown.into_owned(), reason });
    }
    check_credentials(settings.credentials, &settings.operator_env)
}

fn check_credentials(credentials: Credentials, operator: &OperatorEnvironment) -> Result<(), SetupError> {
    let (variable, remedy) = match credentials {
        Credentials::OauthToken => ("CLAUDE_CODE_OAUTH_TOKEN", "make one with `claude setup-token`"),
        Credentials::ApiKey => ("ANTHROPIC_API_KEY", "make one in the Claude Console"),
        Credentials::Login => ("HOME", "it is where `claude auth login` keeps the login"),
        Credentials::Bedrock | Credentials::Vertex => return Ok(()),
    };
    if operator.get(variable).is_some() {
        return Ok(());
    }
    Err(SetupError::MissingCredential { credentials: credentials.as_str(), variable, remedy })
}

/// The whole environment of one process.
pub(crate) fn build(settings: &Settings, scratch: &Scratch) -> Variables {
    let mut variables = Variables::new();
    let mut set = |name: &str, value: &OsStr| variables.push((name.into(), value.into()));
    for name in OPERATOR {
        if let Some(value) = settings.operator_env.get(name) {
            set(name, value);
        }
    }
    if settings.operator_env.get("PATH").is_none() {
        set("PATH", DEFAULT_PATH.as_ref());
    }
    for (name, value) in FIXED {
        set(name, value.as_ref());
    }
    set("TMPDIR", scratch.tmp().as_ref());
    // The program puts a socket there in preference to TMPDIR.
    set("XDG_RUNTIME_DIR", scratch.tmp().as_ref());
    set("HOME", home(settings, scratch).as_ref());
    if let Some(config_dir) = &settings.config_dir {
        set("CLAUDE_CONFIG_DIR", config_dir.as_ref());
    }
    if let Some(base_url) = &settings.base_url {
        set("ANTHROPIC_BASE_URL", base_url.as_ref());
    }
    if settings.built_in.is_some() {
        // What an agent starts ends with its turn.
        set("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1".as_ref());
    }
    credentials(settings, &mut set);
    variables.extend(settings.extra_env.iter().cloned());
    variables
}

/// An API key needs nothing of the operator's home; a login, a cloud's own files and an account's device id do.
fn home(settings: &Settings, scratch: &Scratch) -> OsString {
    match (settings.credentials, settings.operator_env.get("HOME")) {
        (Credentials::ApiKey, _) | (_, None) => scratch.home().into(),
        (_, Some(home)) => home.into(),
    }
}

fn credentials(settings: &Settings, set: &mut impl FnMut(&str, &OsStr)) {
    let mut copy = |names: &[&str]| {
        for name in names {
            if let Some(value) = settings.operator_env.get(name) {
                set(name, value);
            }
        }
    };
    let switch = match settings.credentials {
        Credentials::Login => return,
        Credentials::OauthToken => return copy(&["CLAUDE_CODE_OAUTH_TOKEN"]),
        Credentials::ApiKey => {
            copy(&["ANTHROPIC_API_KEY"]);
            None
        }
        Credentials::Bedrock => {
            copy(&BEDROCK);
            Some("CLAUDE_CODE_USE_BEDROCK")
        }
        Credentials::Vertex => {
            copy(&VERTEX);
            Some("CLAUDE_CODE_USE_VERTEX")
        }
    };
    if let Some(switch) = switch {
        set(switch, "1".as_ref());
    }
    // Bare mode: no reminders about directory, platform and date are added. It never reads a login. An agent needs to
    // know where it is, and bare mode has three tools only.
    if settings.built_in.is_none() {
        set("CLAUDE_CODE_SIMPLE", "1".as_ref());
    }
}

/// What the operator should see of it: the credential set and what the configuration adds, as `NAME=…`; of the values
/// only that of the directory.
pub(crate) fn shown(settings: &Settings) -> Vec<String> {
    let mut shown = Vec::new();
    credentials(settings, &mut |name: &str, _: &OsStr| shown.push(format!("{name}=…")));
    shown.extend(settings.config_dir.iter().map(|folder| format!("CLAUDE_CONFIG_DIR={}", folder.display())));
    shown.extend(settings.extra_env.iter().map(|(name, _)| format!("{}=…", name.to_string_lossy())));
    shown
}

/// Where the program keeps files about its running processes, when that is not in the scratch directory.
pub(crate) fn session_files(variables: &Variables, scratch: &Scratch) -> Option<PathBuf> {
    let value =
        |name: &str| variables.iter().find(|(found, _)| found == name).map(|(_, value)| PathBuf::from(value));
    let config = value("CLAUDE_CONFIG_DIR").or_else(|| Some(value("HOME")?.join(".claude")))?;
    (!config.starts_with(scratch.home())).then(|| config.join("sessions"))
}

/// The values in `variables` that must never be shown.
pub(crate) fn secrets(variables: &Variables) -> Vec<String> {
    const PARTS: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
    let secret = |name: &OsStr| PARTS.iter().any(|part| name.to_string_lossy().to_uppercase().contains(part));
    let named = variables.iter().filter(|(name, _)| secret(name));
    named.map(|(_, value)| value.to_string_lossy().into_owned()).filter(|value| value.len() >= 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(credentials: Credentials) -> Settings {
        let operator = [
            ("PATH", "/usr/bin"),
            ("HOME", "/home/op"),
            ("ANTHROPIC_API_KEY", "sk-key"),
            ("ANTHROPIC_AUTH_TOKEN", "other"),
            ("CLAUDE_CODE_OAUTH_TOKEN", "oauth-token"),
            ("CLAUDE_CODE_USE_BEDROCK", "1"),
            ("AWS_SECRET_ACCESS_KEY", "aws-secret"),
            ("ANTHROPIC_VERTEX_PROJECT_ID", "project"),
            ("HTTPS_PROXY", "http://proxy"),
            ("NODE_EXTRA_CA_CERTS", "/ca"),
            ("LD_PRELOAD", "/evil.so"),
            ("GITHUB_TOKEN", "gh"),
        ];
        let operator_env = operator.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Settings { operator_env, ..Settings::new("/bin/claude", credentials, "/tmp/scratch") }
    }

    fn built(settings: &Settings) -> Vec<(String, String)> {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(root.path()).unwrap();
        let text = |value: OsString| value.into_string().unwrap();
        build(settings, &scratch).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn paying(variables: &[(String, String)]) -> Vec<&str> {
        let all =
            CREDENTIALS.iter().chain(&BEDROCK).chain(&VERTEX).filter(|name| **name != "CLAUDE_CODE_SIMPLE");
        all.filter(|name| variables.iter().any(|(found, _)| found == **name)).copied().collect()
    }

    #[test]
    fn exactly_one_credential_set_reaches_the_child() {
        let expected: [(Credentials, &[&str]); 5] = [
            (Credentials::Login, &[]),
            (Credentials::OauthToken, &["CLAUDE_CODE_OAUTH_TOKEN"]),
            (Credentials::ApiKey, &["ANTHROPIC_API_KEY"]),
            (Credentials::Bedrock, &["CLAUDE_CODE_USE_BEDROCK", "AWS_SECRET_ACCESS_KEY"]),
            (Credentials::Vertex, &["CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_VERTEX_PROJECT_ID"]),
        ];
        for (credentials, names) in expected {
            assert_eq!(paying(&built(&settings(credentials))), names, "{credentials:?}");
        }
    }

    #[test]
    fn nothing_else_of_the_operator_reaches_the_child() {
        for (name, _) in built(&settings(Credentials::ApiKey)) {
            assert!(
                !["HTTPS_PROXY", "NODE_EXTRA_CA_CERTS", "LD_PRELOAD", "GITHUB_TOKEN"].contains(&&*name),
                "{name}"
            );
        }
    }

    #[test]
    fn bare_mode_is_for_all_but_a_claude_account() {
        for credentials in
            [Credentials::Login, Credentials::OauthToken, Credentials::ApiKey, Credentials::Vertex]
        {
            let bare = built(&settings(credentials)).iter().any(|(name, _)| name == "CLAUDE_CODE_SIMPLE");
            assert_eq!(bare, !credentials.is_claude_account(), "{credentials:?}");
        }
    }

    #[test]
    fn a_login_lives_in_the_operators_home_and_an_api_key_needs_none() {
        let home = |credentials| {
            let variables = built(&settings(credentials));
            variables.into_iter().find(|(name, _)| name == "HOME").unwrap().1
        };
        assert_eq!(home(Credentials::Login), "/home/op");
        assert_ne!(home(Credentials::ApiKey), "/home/op");
    }

    #[test]
    fn no_variable_is_set_twice() {
        for credentials in
            [Credentials::Login, Credentials::ApiKey, Credentials::Bedrock, Credentials::Vertex]
        {
            let mut names: Vec<_> = built(&settings(credentials)).into_iter().map(|(name, _)| name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn the_configuration_may_name_a_proxy_but_not_a_payer() {
        let with = |name: &str| Settings {
            extra_env: vec![(name.into(), "x".into())],
            ..settings(Credentials::ApiKey)
        };
        assert!(check(&with("HTTPS_PROXY")).is_ok());
        for reserved in
            ["CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_API_KEY", "HOME", "CLAUDE_CODE_MAX_RETRIES", "A=B", ""]
        {
            assert!(matches!(check(&with(reserved)), Err(SetupError::ReservedVariable { .. })), "{reserved}");
        }
    }

    #[test]
    fn a_missing_credential_is_named_with_its_remedy() {
        let none =
            Settings { operator_env: OperatorEnvironment::default(), ..settings(Credentials::OauthToken) };
        let told = check(&none).unwrap_err().to_string();
        assert!(told.contains("CLAUDE_CODE_OAUTH_TOKEN") && told.contains("claude setup-token"), "{told}");
    }

    #[test]
    fn secrets_are_known_by_the_names_of_their_variables() {
        let variables =
            vec![("ANTHROPIC_API_KEY".into(), "sk-ant-1".into()), ("PATH".into(), "/usr/bin".into())];
        assert_eq!(secrets(&variables), ["sk-ant-1"]);
    }
}
