//! Model names that stand for another: globs, the most specific of which wins.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::glob::{literals, matches};

/// Glob → model. `*` stands for any text, `?` for one character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Aliases(BTreeMap<String, String>);

impl Aliases {
    /// The model that a name stands for. An exact name wins over a glob, a glob with more literal
    /// characters over one with fewer, so that the order in the file does not matter.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        if let Some(exact) = self.0.get(name) {
            return Some(exact);
        }
        let matching = self.0.iter().filter(|(pattern, _)| matches(pattern, name));
        matching.max_by_key(|(pattern, _)| literals(pattern)).map(|(_, model)| model.as_str())
    }

    /// All patterns with their models, in the order of the pattern's text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(pattern, model)| (pattern.as_str(), model.as_str()))
    }

    /// Names without wildcards: those that a list of models can show.
    pub fn exact_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(pattern, _)| !pattern.contains(['*', '?']))
    }
}

impl FromIterator<(String, String)> for Aliases {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(pairs: &[(&str, &str)]) -> Aliases {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let aliases = aliases(&[("*", "any"), ("gpt-*", "gpt"), ("gpt-4*", "four"), ("gpt-4o", "exact")]);
        let served = ["gpt-4o", "gpt-4.1", "gpt-3.5-turbo", "o3"].map(|name| aliases.resolve(name));
        assert_eq!(served, ["exact", "four", "gpt", "any"].map(Some));
    }

    #[test]
    fn a_name_that_no_pattern_covers_stands_for_itself() {
        let aliases = aliases(&[("gpt-?", "one"), ("*-mini", "small")]);
        assert_eq!(aliases.resolve("gpt-4"), Some("one"));
        assert_eq!(aliases.resolve("o4-mini"), Some("small"));
        assert_eq!(aliases.resolve("gpt-4o"), None);
        assert_eq!(aliases.resolve(""), None);
    }
}
