use proptest::prelude::*;

use super::*;

const MILLION: u64 = 1_000_000;

fn input(tokens: u64) -> Tokens {
    Tokens { input: tokens, ..Tokens::default() }
}

fn cost(name: &str, tokens: &Tokens) -> Option<f64> {
    Prices::built_in().cost(&[name], tokens).map(Usd::dollars)
}

#[test]
fn the_data_is_read_dated_and_sane() {
    let prices = Prices::built_in();
    assert!(prices.updated() > "2026" && prices.models.len() > 15);
    assert!((0.0..=1.0).contains(&prices.batch) && prices.batch > 0.0);
    for (name, price) in &prices.models {
        let price = price.rates;
        assert!(price.input > 0.0 && price.output > price.input && price.output < 1000.0, "{name}");
        let (write, read) = (price.cache_write_5m.unwrap(), price.cache_read.unwrap());
        assert!(read < price.input && write > price.input && price.cache_write_1h.unwrap() > write, "{name}");
    }
}

#[test]
fn each_kind_of_token_has_its_price() {
    let tokens = Tokens {
        input: MILLION,
        output: MILLION,
        cache_write_5m: MILLION,
        cache_write_1h: MILLION,
        cache_read: MILLION,
        web_searches: 1000,
    };
    assert_eq!(cost("claude-sonnet-5-5", &tokens), Some(2.0 + 10.0 + 2.5 + 4.0 + 0.1 + 10.0));
    let batch = Prices::built_in().batch_cost(&["claude-sonnet-5-5"], &tokens);
    assert_eq!(batch.map(Usd::dollars), Some(18.6 / 2.0 + 10.0));
}

#[test]
fn a_long_prompt_pays_for_all_of_its_tokens_by_its_whole_length() {
    let cached = |input, cache_read| Tokens { input, cache_read, output: 1000, ..Tokens::default() };
    assert_eq!(cost("claude-haiku-5-5", &cached(50_000, 50_000)), Some(0.006));
    assert_eq!(cost("claude-haiku-5-5", &cached(50_001, 50_000)), Some(0.030_000_5));
}

#[test]
fn a_model_that_nobody_gave_a_price_costs_none_rather_than_nothing() {
    assert_eq!(cost("claude-opus-9", &input(1)), None);
    assert_eq!(cost("claude-opus-5-6", &input(1)), None, "no neighbour's price");
    assert_eq!(cost("", &input(1)), None);
}

#[test]
fn the_operators_prices_go_before_and_the_most_specific_pattern_wins() {
    let price = |input| Price { rates: Rates { input, ..Rates::default() }, long: None };
    let over = [("claude-*", 7.0), ("us.anthropic.*", 9.0), ("claude-opus-*", 8.0)];
    let over = over.into_iter().map(|(pattern, dollars)| (pattern.to_owned(), price(dollars))).collect();
    let prices = Prices::built_in().with(over);
    let cost = |names: &[&str]| prices.cost(names, &input(MILLION)).map(Usd::dollars);
    assert_eq!(cost(&["claude-sonnet-5-5"]), Some(7.0));
    assert_eq!(cost(&["claude-opus-5-5"]), Some(8.0));
    assert_eq!(cost(&["us.anthropic.claude-opus-5-5-v1:0", "claude-opus-5-5"]), Some(9.0));
}

#[test]
fn what_a_price_leaves_out_follows_from_its_input() {
    let own = Price { rates: Rates { input: 4.0, output: 8.0, ..Rates::default() }, long: None };
    let prices = Prices::default().with([("mine".to_owned(), own)].into());
    let of = |tokens| prices.cost(&["mine"], &tokens).map(Usd::dollars);
    assert_eq!(of(Tokens { cache_write_5m: MILLION, ..Tokens::default() }), Some(5.0));
    assert_eq!(of(Tokens { cache_write_1h: MILLION, ..Tokens::default() }), Some(8.0));
    assert_eq!(of(Tokens { cache_read: MILLION, ..Tokens::default() }), Some(0.4));
}

proptest! {
    /// A bill does not depend on how it is cut into requests, but for less than a nanodollar each.
    #[test]
    fn parts_cost_what_the_whole_does(parts in prop::collection::vec((0..50_000_u64, 0..50_000_u64), 1..40)) {
        let prices = Prices::built_in();
        let of = |input, output| {
            let tokens = Tokens { input, output, ..Tokens::default() };
            prices.cost(&["claude-opus-5"], &tokens).unwrap().nanos()
        };
        let sum: u64 = parts.iter().map(|(input, output)| of(*input, *output)).sum();
        let whole = of(parts.iter().map(|part| part.0).sum(), parts.iter().map(|part| part.1).sum());
        prop_assert!(sum.abs_diff(whole) <= parts.len() as u64);
    }
}
