//! Checks one source against the schema, so that a message can name the key, the source, what was
//! expected, and the key that was probably meant. Values of secrets are never repeated.

use serde_json::Value;

use super::layer::Layer;
use super::nearest::nearest;
use super::schema::{self, TREE, properties};
use super::{Problem, REDACTED};

/// Everything that is wrong in a layer.
pub(super) fn check(layer: &Layer) -> Vec<Problem> {
    let mut checking = Checking { layer, problems: Vec::new() };
    for (name, value) in &layer.tree {
        checking.member(&TREE, "", name, value, false);
    }
    checking.problems
}

struct Checking<'a> {
    layer: &'a Layer,
    problems: Vec<Problem>,
}

impl Checking<'_> {
    fn problem(&mut self, path: &str, text: String) {
        self.problems.push(Problem::new(path, self.layer.origins.of(path), text));
    }

    fn member(&mut self, node: &Value, parent: &str, name: &str, value: &Value, secret: bool) {
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        match properties(node).find(|(known, _)| *known == name) {
            Some((_, node)) => self.value(node, &path, value, secret),
            None => match node.get("additionalProperties") {
                Some(each @ Value::Object(_)) => self.value(each, &path, value, secret),
                _ => self.problem(&path, unknown(node, parent, name)),
            },
        }
    }

    fn value(&mut self, node: &Value, path: &str, value: &Value, secret: bool) {
        let secret = secret || node.get("x-secret").is_some();
        if let Some(Value::Array(options)) = node.get("anyOf") {
            return match options.iter().find(|option| has_type(option, value)) {
                Some(option) => self.value(option, path, value, secret),
                None => self.problem(path, mismatch(node, value, secret)),
            };
        }
        if !has_type(node, value) || !in_range(node, value) || !is_listed(node, value) {
            return self.problem(path, mismatch(node, value, secret));
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| self.member(node, path, name, value, secret));
                self.required(node, path, value);
            }
            Value::Array(items) => {
                let Some(each) = node.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.value(each, &format!("{path}[{index}]"), item, secret);
                }
            }
            _ => {}
        }
    }

    fn required(&mut self, node: &Value, path: &str, value: &Value) {
        let names = node.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in names.filter_map(Value::as_str).filter(|name| value.get(name).is_none()) {
            self.problem(path, format!("`{name}` is missing"));
        }
    }
}

fn has_type(node: &Value, value: &Value) -> bool {
    match node.get("type").and_then(Value::as_str) {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    }
}

fn in_range(node: &Value, value: &Value) -> bool {
    let Some(number) = value.as_f64() else { return true };
    let bound = |name: &str| node.get(name).and_then(Value::as_f64);
    bound("minimum").is_none_or(|least| number >= least) && bound("maximum").is_none_or(|most| number <= most)
}

fn is_listed(node: &Value, value: &Value) -> bool {
    node.get("enum").and_then(Value::as_array).is_none_or(|listed| listed.contains(value))
}

fn mismatch(node: &Value, value: &Value, secret: bool) -> String {
    format!("expected {}, found {}", expected(node), found(value, secret))
}

/// What the schema asks for, in words.
pub(super) fn expected(node: &Value) -> String {
    if let Some(Value::Array(options)) = node.get("anyOf") {
        return options.iter().map(expected).collect::<Vec<_>>().join(" or ");
    }
    if let Some(Value::Array(listed)) = node.get("enum") {
        return listed.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    let unit =
        node.get("x-unit").and_then(Value::as_str).map(|unit| format!(" of {unit}")).unwrap_or_default();
    match node.get("type").and_then(Value::as_str) {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("a whole number{}", range(node)),
        Some("number") => format!("a number{unit}{}", range(node)),
        Some("array") => "a list".to_owned(),
        Some("object") => "an object".to_owned(),
        _ => "a string".to_owned(),
    }
}

fn range(node: &Value) -> String {
    match (node.get("minimum"), node.get("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        _ => String::new(),
    }
}

/// What was there instead. A text is repeated only if it is short and can't well be a credential.
fn found(value: &Value, secret: bool) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) if secret => format!("a string ({REDACTED})"),
        Value::String(text) if text.len() > 32 || text.starts_with("sk-") || text.starts_with("ccp_") => {
            "a string".to_owned()
        }
        _ if secret => "a value of another kind".to_owned(),
        value => value.to_string(),
    }
}

/// The message for a key that nobody knows: a neighbour with a similar name, else a key of that name
/// elsewhere, else the list of what there is.
fn unknown(node: &Value, parent: &str, name: &str) -> String {
    let siblings: Vec<&str> = properties(node).map(|(sibling, _)| sibling).collect();
    let join = |key: &str| if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
    let meant = nearest(name, siblings.iter().copied()).map(join).or_else(|| {
        let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
        let names = schema::keys().iter().map(|key| last(&key.path));
        let name = nearest(name, names)?;
        schema::keys().iter().map(|key| key.path.as_str()).find(|path| last(path) == name).map(str::to_owned)
    });
    match meant {
        Some(meant) => format!("unknown key; did you mean `{meant}`?"),
        None => format!("unknown key; known here: {}", siblings.join(", ")),
    }
}
