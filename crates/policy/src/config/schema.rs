//! The schema of `config.json`, made from the raw structures: the one list of keys that checking,
//! environment variables, suggestions and the reference all go by.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::raw::Raw;
use super::show;

/// The JSON schema of `config.json`, with defaults filled in.
pub fn schema() -> String {
    let mut root = TREE.clone();
    for key in keys() {
        if let Some(default) = key.default.clone()
            && let Some(node) = node_mut(&mut root, &key.path)
        {
            node.insert("default".to_owned(), default);
        }
    }
    serde_json::to_string_pretty(&root).unwrap_or_default()
}

/// One key that can be set.
#[derive(Debug)]
pub(super) struct Key {
    /// `server.port`
    pub(super) path: String,
    /// `CCP_SERVER__PORT`
    pub(super) variable: String,
    /// The built-in value; none where it depends on the machine.
    pub(super) default: Option<Value>,
    /// Its part of the schema.
    pub(super) node: &'static Value,
}

impl Key {
    /// A text that the schema says about this key.
    pub(super) fn text(&self, name: &str) -> Option<&'static str> {
        self.node.get(name).and_then(Value::as_str)
    }

    /// Whether its value is a secret or holds some.
    pub(super) fn is_secret(&self) -> bool {
        self.node.get("x-secret").is_some()
            || self
                .members()
                .is_some_and(|node| properties(node).any(|(_, member)| member.get("x-secret").is_some()))
    }

    /// What each member of a map of objects may have.
    pub(super) fn members(&self) -> Option<&'static Value> {
        self.node.get("additionalProperties").filter(|each| each.get("properties").is_some())
    }
}

/// All keys, by name.
pub(super) fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let defaults = show::defaults();
        let mut keys = Vec::new();
        for (name, node) in properties(&TREE) {
            match node.get("properties") {
                Some(_) => {
                    keys.extend(properties(node).map(|(key, node)| new_key(&[name, key], node, &defaults)));
                }
                None => keys.push(new_key(&[name], node, &defaults)),
            }
        }
        // Whether a JSON object keeps its order is up to a feature that any crate may switch on.
        keys.sort_by(|a: &Key, b| a.path.cmp(&b.path));
        keys
    });
    &KEYS
}

/// The key of this path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.path == path)
}

/// The whole schema without defaults.
pub(super) static TREE: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut root = settings.into_generator().into_root_schema_for::<Raw>().to_value();
    simplify(&mut root);
    root
});

fn new_key(path: &[&str], node: &'static Value, defaults: &Value) -> Key {
    let default = path.iter().try_fold(defaults, |value, name| value.get(name));
    let depends = node.get("x-default").is_some();
    Key {
        path: path.join("."),
        variable: format!("CCP_{}", path.join("__").to_uppercase()),
        default: default.filter(|value| !depends && !value.is_null()).cloned(),
        node,
    }
}

/// The named members of an object's schema.
pub(super) fn properties(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = node.get("properties").and_then(Value::as_object);
    members.into_iter().flatten().map(|(name, node)| (name.as_str(), node))
}

fn node_mut<'a>(root: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    let node = path.split('.').try_fold(root, |node, name| node.get_mut("properties")?.get_mut(name));
    node.and_then(Value::as_object_mut)
}

/// Takes out what only Rust cares about: `null` beside every type, number formats, empty defaults; and
/// turns a list of constants into an `enum`.
fn simplify(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(members) => {
            members.remove("default");
            members.remove("format");
            unwrap_nullable(members);
            constants_to_enum(members);
            for (name, child) in members.iter_mut() {
                match child {
                    // Its members are named by us, not by the schema language: `logging.format` stays.
                    Value::Object(named) if name == "properties" => named.values_mut().for_each(simplify),
                    _ => simplify(child),
                }
            }
        }
        _ => {}
    }
}

/// `["string", "null"]` becomes `"string"`; `anyOf: [X, null]` becomes X; a `null` in an `enum` goes.
fn unwrap_nullable(members: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = members.get("type")
        && let [only, Value::String(null)] = types.as_slice()
        && null == "null"
    {
        let only = only.clone();
        members.insert("type".to_owned(), only);
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(options)) = members.get("anyOf")
        && let [Value::Object(only), null] = options.as_slice()
        && null.get("type").is_some_and(|kind| kind == "null")
    {
        let only = only.clone();
        members.remove("anyOf");
        for (name, value) in only {
            members.entry(name).or_insert(value);
        }
    }
}

fn constants_to_enum(members: &mut Map<String, Value>) {
    let Some(Value::Array(options)) = members.get("oneOf") else { return };
    let constants: Option<Vec<Value>> = options.iter().map(|option| option.get("const").cloned()).collect();
    if let Some(constants) = constants {
        members.remove("oneOf");
        members.insert("type".to_owned(), "string".into());
        members.insert("enum".to_owned(), Value::Array(constants));
    }
}
