//! One source laid out as the tree of `config.json`, and how sources lie upon one another.

use serde_json::{Map, Value};

use super::{Origin, Origins};

/// What one source sets.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) tree: Map<String, Value>,
    pub(super) origins: Origins,
}

impl Layer {
    /// The layer of a parsed file. `null` means *not set*, and `$schema` is for editors only.
    pub(super) fn from_file(mut tree: Map<String, Value>, origin: &Origin) -> Self {
        tree.remove("$schema");
        tree.retain(|_, value| !value.is_null());
        let mut origins = Origins::default();
        for (name, value) in &mut tree {
            if let Value::Object(section) = value {
                section.retain(|_, value| !value.is_null());
                section.keys().for_each(|key| origins.set(&format!("{name}.{key}"), origin.clone()));
            }
            origins.set(name, origin.clone());
        }
        Self { tree, origins }
    }

    /// Sets one key, like `server.port`.
    pub(super) fn set(&mut self, path: &str, value: Value, origin: Origin) {
        match path.split_once('.') {
            None => {
                self.tree.insert(path.to_owned(), value);
            }
            Some((section, key)) => {
                let section = self.tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(section) = section {
                    section.insert(key.to_owned(), value);
                }
            }
        }
        self.origins.set(path, origin);
    }

    /// Lays a stronger layer over this one: key by key, a list or a map as a whole.
    pub(super) fn cover_with(&mut self, stronger: Self) {
        for (name, value) in stronger.tree {
            match (self.tree.get_mut(&name), value) {
                (Some(Value::Object(section)), Value::Object(keys)) => section.extend(keys),
                (_, value) => {
                    self.tree.insert(name, value);
                }
            }
        }
        self.origins.extend(stronger.origins);
    }
}
