//! Settings from environment variables and flags: one text each, read as the kind that its key has.

use serde_json::Value;

use super::check::expected;
use super::layer::Layer;
use super::nearest::nearest;
use super::schema::{self, Key};
use super::source::{Environment, Flag};
use super::{Origin, Problem};

/// Names the configuration file; no setting of its own.
pub(super) const CONFIG_VARIABLE: &str = "CCP_CONFIG";
const PREFIX: &str = "CCP_";

/// `CCP_<SECTION>__<KEY>`, each of which must be known. An empty variable counts as not set.
pub(super) fn variables(env: &Environment, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    let ours = env.iter().filter(|(name, _)| name.starts_with(PREFIX) && *name != CONFIG_VARIABLE);
    for (name, text) in ours {
        match schema::keys().iter().find(|key| key.variable == *name) {
            None => problems.push(unknown(name)),
            Some(_) if text.is_empty() => {}
            Some(key) => set(&mut layer, key, text, Origin::Environment(name.clone()), problems),
        }
    }
    layer
}

/// `HOST`, `PORT`, `LOG_LEVEL`: the short names that hosting platforms set.
pub(super) fn short_names(env: &Environment, problems: &mut Vec<Problem>) -> Layer {
    named_by("x-env", env, problems)
}

/// `ANTHROPIC_API_KEY` and its like: shared with other programs, so that the file goes before them.
pub(super) fn shared_names(env: &Environment, problems: &mut Vec<Problem>) -> Layer {
    named_by("x-default-env", env, problems)
}

fn named_by(attribute: &str, env: &Environment, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    for key in schema::keys() {
        let Some(name) = key.text(attribute) else { continue };
        if let Some(text) = env.get(name).filter(|text| !text.is_empty()) {
            set(&mut layer, key, text, Origin::Environment(name.to_owned()), problems);
        }
    }
    layer
}

/// Settings given on the command line.
pub(super) fn flags(flags: &[Flag], problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    for flag in flags {
        let origin = Origin::Flag(flag.name.clone());
        match schema::key(&flag.key) {
            Some(key) => set(&mut layer, key, &flag.value, origin, problems),
            None => {
                let near = nearest(&flag.key, schema::keys().iter().map(|key| key.path.as_str()));
                problems.push(Problem::new(&flag.key, origin, suggest("unknown key", near)));
            }
        }
    }
    layer
}

fn set(layer: &mut Layer, key: &Key, text: &str, origin: Origin, problems: &mut Vec<Problem>) {
    match read(key, text) {
        Some(value) => layer.set(&key.path, value, origin),
        None => {
            let shown = if key.is_secret() || text.len() > 32 {
                "another text".to_owned()
            } else {
                format!("`{text}`")
            };
            let hint = match key.text("type") {
                Some("array") => " as JSON, like [\"a\", \"b\"]",
                Some("object") => " as JSON, like {\"a\": \"b\"}",
                _ => "",
            };
            let text = format!("expected {}{hint}, found {shown}", expected(key.node));
            problems.push(Problem::new(&key.path, origin, text));
        }
    }
}

/// The text as a value of the key's kind. Whether it is in range is for the check to say.
fn read(key: &Key, text: &str) -> Option<Value> {
    let text = text.trim();
    let json = || serde_json::from_str::<Value>(text).ok();
    match key.text("type") {
        Some("string") | None => Some(Value::String(text.to_owned())),
        Some("boolean") => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
            "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        Some("array") => json().filter(Value::is_array),
        Some("object") => json().filter(Value::is_object),
        _ => json().filter(Value::is_number),
    }
}

fn unknown(name: &str) -> Problem {
    let near = nearest(name, schema::keys().iter().map(|key| key.variable.as_str()));
    Problem::new(name, Origin::Derived, suggest("unknown environment variable", near))
}

fn suggest(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => format!("{what}; `claude-code-proxy config schema` lists all keys"),
    }
}
