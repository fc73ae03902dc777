//! The way from the sources to a configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::layer::Layer;
use super::raw::Raw;
use super::resolve::{Surroundings, resolve};
use super::{Config, ConfigError, Origin, Origins, Problem, check, environment, lookup};

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// A setting given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// As typed, for messages: `--port`.
    pub name: String,
    /// The key that it sets: `server.port`.
    pub key: String,
    /// The value, in the form that the environment variable would have.
    pub value: String,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Settings given on the command line.
    pub flags: Vec<Flag>,
    /// The environment.
    pub env: Environment,
    /// The file named by `--config`.
    pub file: Option<PathBuf>,
    /// The working directory.
    pub cwd: PathBuf,
}

/// A configuration and its history.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the program goes by.
    pub config: Config,
    /// The file that was read, if there was one.
    pub path: Option<PathBuf>,
    /// Where each value came from.
    pub origins: Origins,
    /// What an operator should be told at start, though nothing is wrong.
    pub notices: Vec<String>,
}

/// Reads all sources. Every problem found is in the error, with its key and its source.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let file = lookup::find(sources)?;
    let file = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    assemble(file, sources)
}

/// Reads a configuration from the text of a `config.json` and an environment, without any file.
pub fn parse(text: &str, env: &Environment) -> Result<Loaded, ConfigError> {
    let sources = Sources { env: env.clone(), ..Sources::default() };
    let mut loaded = assemble(Some((Path::new("config.json"), text)), &sources)?;
    loaded.path = None;
    Ok(loaded)
}

fn assemble(file: Option<(&Path, &str)>, sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut problems = Vec::new();
    let env = &sources.env;
    let mut layers = vec![environment::shared_names(env, &mut problems)];
    if let Some((path, text)) = file {
        layers.push(file_layer(path, text)?);
    }
    layers.push(environment::short_names(env, &mut problems));
    layers.push(environment::variables(env, &mut problems));
    layers.push(environment::flags(&sources.flags, &mut problems));

    layers.iter().for_each(|layer| problems.extend(check::check(layer)));
    ConfigError::unless_none(problems)?;

    let mut merged = Layer::default();
    layers.into_iter().for_each(|layer| merged.cover_with(layer));
    let Layer { tree, mut origins } = merged;
    let file_dir = file.and_then(|(path, _)| path.parent());
    let surroundings = Surroundings { env, cwd: &sources.cwd, file_dir };
    let (config, notices) = resolve(typed(tree)?, &mut origins, surroundings)?;
    Ok(Loaded { config, path: file.map(|(path, _)| path.to_owned()), origins, notices })
}

fn file_layer(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let origin = Origin::File(path.to_owned());
    let wrong = |text: String| ConfigError::one(Problem::new("", origin.clone(), text));
    match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(tree)) => Ok(Layer::from_file(tree, &origin)),
        Ok(_) => Err(wrong("expected a JSON object".to_owned())),
        Err(error) => Err(wrong(format!("no valid JSON: {error}"))),
    }
}

/// Can't fail on a tree that passed the check; if it does, the serde text stays out, as it may hold values.
fn typed(tree: Map<String, Value>) -> Result<Raw, ConfigError> {
    serde_json::from_value(Value::Object(tree))
        .map_err(|_| ConfigError::one(Problem::new("", Origin::Derived, "the settings don't fit the schema")))
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
