//! `docs/configuration.md`: the reference of all keys, made from the schema.

use std::fmt::Write;

use serde_json::Value;

use super::check::expected;
use super::schema::{self, Key, TREE, properties};

const SECTIONS: [&str; 11] = [
    "server",
    "claude",
    "anthropic",
    "claude_code",
    "routing",
    "openai",
    "auth",
    "logging",
    "rate_limiting",
    "metrics",
    "admin",
];

const INTRODUCTION: &str = include_str!("reference.md");

/// The reference as Markdown.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    let named = SECTIONS.iter().copied();
    let others = properties(&TREE).map(|(name, _)| name).filter(|name| !SECTIONS.contains(name));
    let (sections, root): (Vec<_>, Vec<_>) =
        named.chain(others).partition(|name| schema::key(name).is_none());
    for section in sections {
        let prefix = format!("{section}.");
        let keys: Vec<&Key> = schema::keys().iter().filter(|key| key.path.starts_with(&prefix)).collect();
        table(&mut out, &format!("`{section}`"), description(&TREE["properties"][section]), &keys);
    }
    let keys: Vec<&Key> = root.into_iter().filter_map(schema::key).collect();
    table(&mut out, "At the root", String::new(), &keys);
    keys.iter().for_each(|key| members(&mut out, key));
    out
}

/// What the members of a map of objects may have.
fn members(out: &mut String, key: &Key) {
    let Some(node) = key.members() else { return };
    let required = node.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|each| each == name));
    let _ = write!(out, "\n## Each of `{}`\n\n| key | value | meaning |\n| --- | --- | --- |\n", key.path);
    for (name, member) in properties(node) {
        let needed = if is_required(name) { " (needed)" } else { "" };
        let value = format!("{}{needed}", expected(member).trim_start_matches("a ").replace('"', "`"));
        let _ = writeln!(out, "| `{}.NAME.{name}` | {value} | {} |", key.path, description(member));
    }
}

fn table(out: &mut String, title: &str, about: String, keys: &[&Key]) {
    let about = if about.is_empty() { about } else { format!("{about}\n\n") };
    let head = "| key | environment | value | default | meaning |\n| --- | --- | --- | --- | --- |\n";
    // Writing to a String can't fail.
    let _ = write!(out, "\n## {title}\n\n{about}{head}");
    for key in keys {
        let cells =
            [format!("`{}`", key.path), variables(key), kind(key), default(key), description(key.node)];
        let _ = writeln!(out, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}

fn variables(key: &Key) -> String {
    let other = key.text("x-env").or_else(|| key.text("x-default-env"));
    let names = std::iter::once(key.variable.as_str()).chain(other);
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn kind(key: &Key) -> String {
    match key.text("type") {
        Some("array") => "list".to_owned(),
        Some("object") if key.members().is_some() => "map, see below".to_owned(),
        Some("object") => "map of strings".to_owned(),
        _ => {
            let words = expected(key.node).replace('"', "`");
            words.strip_prefix("a ").unwrap_or(&words).to_owned()
        }
    }
}

fn default(key: &Key) -> String {
    match (&key.default, key.text("x-default")) {
        (_, Some(text)) => text.to_owned(),
        (Some(Value::String(text)), None) => format!("`{text}`"),
        (Some(value), None) => format!("`{value}`"),
        (None, None) => "none".to_owned(),
    }
}

fn description(node: &Value) -> String {
    node.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_reference_in_docs_is_the_one_that_the_schema_gives() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == reference(), "docs/configuration.md is out of date: run with UPDATE_GOLDEN=1");
    }

    #[test]
    fn every_key_is_in_the_reference_with_its_variable_and_meaning() {
        let text = reference();
        for key in schema::keys() {
            let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", key.path)));
            let row = row.unwrap_or_else(|| panic!("{} is missing", key.path));
            assert!(row.contains(&format!("`{}`", key.variable)), "{row}");
            assert!(description(key.node).len() > 10, "{row}");
        }
    }
}
