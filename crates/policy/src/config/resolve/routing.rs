//! The `routing` section: which backend serves which model, and what happens when one can't.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Resolver;
use super::server::size;
use crate::config::nearest::nearest;
use crate::config::{Routing, Upstream, raw};
use crate::route::{Route, Routes, Target};

const ROUTES: &str = "routing.routes";

impl Resolver<'_> {
    pub(super) fn routing(&mut self, raw: raw::Routing, backends: &BTreeMap<String, Upstream>) -> Routing {
        Routing {
            routes: self.routes(raw.routes, backends),
            max_attempts: size(raw.max_attempts.unwrap_or(3)),
            deadline: raw.deadline.map(Duration::from),
            attempt_timeout: raw.attempt_timeout.map(Duration::from),
            sticky: raw.sticky.unwrap_or(true),
            breaker_failures: size(raw.breaker_failures.unwrap_or(5)),
            breaker_window: raw.breaker_window.map_or(Duration::from_secs(30), Duration::from),
            breaker_pause: raw.breaker_pause.map_or(Duration::from_secs(10), Duration::from),
        }
    }

    fn routes(&mut self, typed: Option<Vec<raw::Route>>, backends: &BTreeMap<String, Upstream>) -> Routes {
        let Some(typed) = typed else {
            let mut names = backends.keys();
            return match (names.next(), names.next()) {
                (Some(only), None) => Routes::all_to(only),
                (None, _) => Routes::default(),
                (Some(first), Some(second)) => {
                    let text = format!(
                        "is needed with several backends, like `[{{\"models\": [\"*\"], \"targets\": [\"{first}\", \
                         \"{second}\"]}}]`"
                    );
                    self.problem(ROUTES, text);
                    Routes::default()
                }
            };
        };
        let mut patterns = BTreeSet::new();
        let routes: Vec<Route> = typed
            .into_iter()
            .enumerate()
            .map(|(index, route)| self.route(&format!("{ROUTES}[{index}]"), route, backends, &mut patterns))
            .collect();
        let routes = Routes::new(routes);
        let used: BTreeSet<_> =
            routes.iter().flat_map(|route| &route.targets).map(|target| target.backend.as_str()).collect();
        for name in backends.keys().filter(|name| !used.contains(name.as_str())) {
            self.notices.push(format!("Backend `{name}` is in no route: nothing is sent to it."));
        }
        routes
    }

    fn route(
        &mut self,
        at: &str,
        typed: raw::Route,
        backends: &BTreeMap<String, Upstream>,
        patterns: &mut BTreeSet<String>,
    ) -> Route {
        if typed.models.is_empty() {
            self.problem(&format!("{at}.models"), "needs a pattern, like `\"*\"` for all models");
        }
        if typed.targets.is_empty() {
            self.problem(&format!("{at}.targets"), "needs the name of a backend");
        }
        for (index, pattern) in typed.models.iter().enumerate() {
            let key = format!("{at}.models[{index}]");
            if pattern.trim().is_empty() {
                self.problem(&key, "must not be empty");
            } else if !patterns.insert(pattern.clone()) {
                self.problem(&key, format!("`{pattern}` is in an earlier place as well; which one counts?"));
            }
        }
        let mut targets: Vec<Target> = Vec::with_capacity(typed.targets.len());
        for (index, typed) in typed.targets.into_iter().enumerate() {
            let key = format!("{at}.targets[{index}]");
            let target = self.target(&key, typed, backends);
            let is_same = |other: &Target| (&other.backend, &other.model) == (&target.backend, &target.model);
            if targets.iter().any(is_same) {
                self.problem(&key, format!("`{}` is in this route already", target.backend));
            }
            targets.push(target);
        }
        Route { models: typed.models, targets }
    }

    fn target(
        &mut self,
        key: &str,
        typed: raw::TargetEntry,
        backends: &BTreeMap<String, Upstream>,
    ) -> Target {
        let target = match typed {
            raw::TargetEntry::Name(backend) => Target { backend, weight: 0, model: None },
            raw::TargetEntry::Full(raw::Target { backend, weight, model }) => {
                Target { backend, weight: weight.unwrap_or(0), model }
            }
        };
        if !backends.contains_key(&target.backend) {
            let known: Vec<&str> = backends.keys().map(String::as_str).collect();
            let meant = nearest(&target.backend, known.iter().copied());
            let hint = meant.map_or_else(
                || format!("there are {}", known.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.problem(key, format!("`{}` is no backend; {hint}", target.backend));
        }
        if target.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            self.problem(&format!("{key}.model"), "must not be empty");
        }
        target
    }
}

#[cfg(test)]
#[path = "../routing_tests.rs"]
mod tests;
