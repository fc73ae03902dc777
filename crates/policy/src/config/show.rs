//! A configuration for showing: secrets as `***`, and the source of each value.

use serde_json::Value;

use super::raw::Raw;
use super::resolve::{Surroundings, resolve};
use super::schema;
use super::{Config, Environment, Loaded, Origin, Origins};

/// The whole configuration in the shape of `config.json`, secrets as `***`.
pub fn redacted(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// One setting, for showing.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Like `server.port`.
    pub key: &'static str,
    /// The value in effect, secrets as `***`; null where there is none.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Loaded {
    /// Every key with its value and where it came from.
    pub fn settings(&self) -> Vec<Setting> {
        let shown = redacted(&self.config);
        let setting = |key: &'static schema::Key| {
            let value = key.path.split('.').try_fold(&shown, |value, name| value.get(name));
            Setting {
                key: &key.path,
                value: value.cloned().unwrap_or_default(),
                origin: self.origins.of(&key.path),
            }
        };
        schema::keys().iter().map(setting).collect()
    }
}

/// The values of keys that nobody set.
pub(super) fn defaults() -> Value {
    let env = Environment::from([("HOME".to_owned(), "/".to_owned())]);
    let nowhere = Surroundings { env: &env, cwd: "".as_ref(), file_dir: None };
    let resolved = resolve(Raw::default(), &mut Origins::default(), nowhere);
    resolved.map(|(config, _)| redacted(&config)).unwrap_or_default()
}
