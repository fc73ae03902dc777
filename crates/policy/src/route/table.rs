//! The routes: patterns of model names, and the targets of each.

use serde::Serialize;

use super::Affinity;
use crate::glob::{literals, matches};

/// A backend, and what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The backend's name.
    pub backend: String,
    /// Its share of the conversations beside the other weights of its route. 0: it stands by.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: u32,
    /// The model that it is asked for; the request's own where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(weight: &u32) -> bool {
    *weight == 0
}

/// What serves the models that fit one of the patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Patterns with `*` and `?`.
    pub models: Vec<String>,
    /// At least one; those without a weight in the order in which they stand by.
    pub targets: Vec<Target>,
}

impl Route {
    /// Whether conversations are shared out, so that their affinity matters.
    pub fn shares(&self) -> bool {
        self.targets.iter().filter(|target| target.weight > 0).count() > 1
    }

    /// All targets in the order in which they are asked: first those that share, as the conversation's affinity has it,
    /// then those that stand by.
    pub fn order(&self, affinity: &Affinity) -> Vec<&Target> {
        let (sharing, standing_by): (Vec<_>, Vec<_>) =
            self.targets.iter().partition(|target| target.weight > 0);
        let mut drawn: Vec<_> = sharing.into_iter().map(|target| (affinity.place(target), target)).collect();
        drawn.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        drawn.into_iter().map(|(_, target)| target).chain(standing_by).collect()
    }
}

/// All routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// The routes of a configuration.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// Everything goes to one backend.
    pub fn all_to(backend: &str) -> Self {
        let target = Target { backend: backend.to_owned(), weight: 0, model: None };
        Self(vec![Route { models: vec!["*".to_owned()], targets: vec![target] }])
    }

    /// The route that every model takes, where there is no other: nobody needs to know the model then.
    pub fn only(&self) -> Option<&Route> {
        match self.0.as_slice() {
            [only] if only.models.iter().any(|pattern| pattern == "*") => Some(only),
            _ => None,
        }
    }

    /// The route of a model: that with the most specific pattern that fits, as for aliases.
    pub fn find(&self, model: &str) -> Option<&Route> {
        let fitting = self.0.iter().filter_map(|route| {
            let patterns = route.models.iter().filter(|pattern| matches(pattern, model));
            Some((patterns.map(|pattern| specificity(pattern)).max()?, route))
        });
        fitting.max_by_key(|(specificity, _)| *specificity).map(|(_, route)| route)
    }

    /// All of them, as configured.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }
}

/// A name without wildcards goes before any pattern, then the literal characters count.
fn specificity(pattern: &str) -> (bool, usize) {
    (!pattern.contains(['*', '?']), literals(pattern))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
