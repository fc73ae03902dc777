//! Where conversations go.

use proptest::prelude::*;

use super::*;

fn target(backend: &str, weight: u32) -> Target {
    Target { backend: backend.to_owned(), weight, model: None }
}

fn route(models: &[&str], targets: Vec<Target>) -> Route {
    Route { models: models.iter().map(|&pattern| pattern.to_owned()).collect(), targets }
}

fn conversation(number: u64) -> Affinity {
    Affinity::of([&number.to_le_bytes()[..]])
}

fn names(order: &[&Target]) -> Vec<String> {
    order.iter().map(|target| target.backend.clone()).collect()
}

#[test]
fn the_most_specific_pattern_decides_wherever_it_stands() {
    let routes = Routes::new(vec![
        route(&["*"], vec![target("any", 0)]),
        route(&["claude-opus-5", "x"], vec![target("exact", 0)]),
        route(&["claude-opus-*", "claude-?-6"], vec![target("opus", 0)]),
    ]);
    let found =
        ["claude-opus-5", "claude-opus-4-8", "claude-sonnet-5", ""].map(|model| routes.find(model).unwrap());
    assert_eq!(found.map(|route| route.targets[0].backend.as_str()), ["exact", "opus", "any", "any"]);
    assert_eq!(Routes::new(vec![route(&["claude-*"], vec![target("a", 0)])]).find("gpt-5"), None);
}

#[test]
fn a_route_for_everything_is_the_only_one_where_there_is_no_other() {
    assert_eq!(Routes::all_to("a").only().map(|route| route.targets[0].backend.as_str()), Some("a"));
    let any = || route(&["*"], vec![target("a", 0)]);
    assert_eq!(Routes::new(vec![any(), route(&["x"], vec![target("b", 0)])]).only(), None);
    assert_eq!(Routes::new(vec![route(&["x*"], vec![target("b", 0)])]).only(), None);
}

#[test]
fn without_weights_the_first_serves_and_the_others_stand_by_in_order() {
    let route = route(&["*"], vec![target("c", 0), target("a", 0), target("b", 0)]);
    assert!(!route.shares());
    for number in 0..50 {
        assert_eq!(names(&route.order(&conversation(number))), ["c", "a", "b"]);
    }
}

#[test]
fn those_with_a_weight_come_before_those_without() {
    let route = route(&["*"], vec![target("spare", 0), target("a", 1), target("last", 0), target("b", 1)]);
    assert!(route.shares());
    for number in 0..50 {
        let order = names(&route.order(&conversation(number)));
        assert_eq!(order[2..], ["spare", "last"]);
    }
}

#[test]
fn the_same_model_elsewhere_is_another_target() {
    let other = Target { model: Some("m".to_owned()), ..target("a", 1) };
    let route = route(&["*"], vec![target("a", 1), other]);
    let first: Vec<_> =
        (0..200).map(|number| route.order(&conversation(number))[0].model.is_some()).collect();
    assert!(first.contains(&true) && first.contains(&false));
}

/// A change of the hash would send every running conversation elsewhere at an update.
#[test]
fn a_conversation_keeps_its_target_over_versions_of_this_program() {
    let route = route(&["*"], vec![target("a", 1), target("b", 1), target("c", 2)]);
    let firsts: String =
        (0..24).map(|number| route.order(&conversation(number))[0].backend.clone()).collect();
    assert_eq!(firsts, "cccccbaccbcbccaacbbcaaac");
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1_u32..=9, 1..6)
}

fn weighted(weights: &[u32]) -> Route {
    route(&["*"], weights.iter().enumerate().map(|(index, &w)| target(&format!("b{index}"), w)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_target_is_asked_once_and_always_in_the_same_order(weights in weights(), number: u64) {
        let route = weighted(&weights);
        let order = names(&route.order(&conversation(number)));
        let mut sorted = order.clone();
        sorted.sort();
        prop_assert_eq!(sorted, names(&route.targets.iter().collect::<Vec<_>>()));
        let mut shuffled = route.clone();
        shuffled.targets.reverse();
        prop_assert_eq!(order, names(&shuffled.order(&conversation(number))));
    }

    #[test]
    fn shares_are_those_of_the_weights(weights in weights(), from in 0_u64..1 << 40) {
        const CONVERSATIONS: u32 = 2000;
        let route = weighted(&weights);
        let mut served = vec![0_u32; weights.len()];
        for number in 0..u64::from(CONVERSATIONS) {
            let first = route.order(&conversation(from + number))[0];
            served[route.targets.iter().position(|target| target == first).unwrap()] += 1;
        }
        let all: u32 = weights.iter().sum();
        for (served, weight) in served.into_iter().zip(&weights) {
            let share = f64::from(*weight) / f64::from(all);
            let expected = f64::from(CONVERSATIONS) * share;
            // Six standard deviations.
            let allowed = 6.0 * (expected * (1.0 - share)).sqrt() + 1.0;
            prop_assert!((f64::from(served) - expected).abs() <= allowed, "{served} of {expected}");
        }
    }

    #[test]
    fn a_target_that_goes_moves_its_own_conversations_alone(weights in weights(), number: u64, gone: prop::sample::Index) {
        let route = weighted(&weights);
        let before = names(&route.order(&conversation(number)));
        let mut fewer = route.clone();
        let gone = fewer.targets.remove(gone.index(weights.len()));
        let after = names(&fewer.order(&conversation(number)));
        let expected: Vec<_> = before.into_iter().filter(|name| *name != gone.backend).collect();
        prop_assert_eq!(after, expected);
    }
}
