//! The embedded table: names that resolve, rules that fit, lists in both shapes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use dialects::models::{self, Date, Listing, Offer, Page, Rules, Sampling, Table, Thinking};
use serde_json::{Value, json};

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_embedded_table_is_dated_and_consistent() {
    let table = models::embedded();
    assert!(table.updated() >= Date::parse("2026-11-22"));
    let ids: HashSet<_> = models::known().iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids.len(), models::known().len());
    assert!(ids.len() > 15);
    for (alias, model) in table.aliases() {
        assert!(ids.contains(model), "{alias} stands for the unknown {model}");
    }
    for model in models::known() {
        assert_eq!(models::resolve(&model.id), model.id, "a model that serves is not redirected");
        assert_ne!(models::rules(&model.id), Rules::UNKNOWN, "{} has rules", model.id);
    }
}

#[test]
fn retired_ids_and_aliases_become_todays_model_of_their_line() {
    for (name, served) in [
        ("claude-3-sonnet-20240229", "claude-sonnet-5-5"),
        ("claude-3-opus-20240229", "claude-opus-5-5"),
        ("claude-opus-4-1", "claude-opus-5-5"),
        ("claude-3-haiku-20240307", "claude-haiku-5-5"),
        ("claude-mythos-preview", "claude-mythos-5-2"),
        ("sonnet", "claude-sonnet-5-5"),
        ("opus", "claude-opus-5-5"),
        ("haiku", "claude-haiku-5-5"),
        ("fable", "claude-fable-5-2"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("gpt-4o", "gpt-4o"),
    ] {
        assert_eq!(models::resolve(name), served);
    }
}

#[test]
fn what_a_backend_offers_comes_into_the_list_under_all_its_names() {
    let efforts = ["low".to_owned(), "high".to_owned()];
    let offer = |name, id, display_name| Offer { name, id, display_name, efforts: &efforts };
    let table = models::embedded()
        .clone()
        .with_offer(&offer("opus", "claude-opus-9", "Opus"))
        .with_offer(&offer("us.anthropic.claude-haiku-9", "us.anthropic.claude-haiku-9", "Haiku"))
        .with_offer(&offer("claude-sonnet-4-6[1m]", "claude-sonnet-4-6[1m]", "Sonnet 4.6 (1M context)"));
    assert_eq!(table.resolve("opus"), "claude-opus-9");
    assert_eq!(table.resolve("haiku"), "us.anthropic.claude-haiku-9");
    assert_eq!(table.resolve("sonnet"), "claude-sonnet-5-5");
    assert_eq!(table.resolve("sonnet 4.6 (1m context)"), "sonnet 4.6 (1m context)");
    let rules = table.rules("claude-opus-9");
    assert!(rules.effort && !rules.all_efforts && rules.thinking == Thinking::Adaptive);
    assert_eq!(table.rules("claude-sonnet-4-6[1m]"), models::rules("claude-sonnet-4-6"));
    assert_eq!(parse(&table.get_anthropic("opus").unwrap())["display_name"], "Opus");
    assert_eq!(table.models().iter().filter(|model| model.id == "claude-opus-9").count(), 1);
}

#[test]
fn rules_follow_the_generation_whatever_the_cloud_calls_the_model() {
    let sampling = |model: &str| models::rules(model).sampling;
    assert_eq!(sampling("claude-opus-4-7"), Sampling::Refused);
    assert_eq!(sampling("claude-haiku-5-5"), Sampling::Refused);
    assert_eq!(sampling("claude-opus-4-6"), Sampling::One);
    assert_eq!(sampling("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), Sampling::One);
    assert_eq!(sampling("claude-opus-4-6@20260205"), Sampling::One);
    assert_eq!(sampling("claude-opus-4-7-20260416"), Sampling::Refused);
    assert_eq!(sampling("claude-next-7"), Sampling::Refused, "an unlisted Claude counts as current");
    assert_eq!(sampling("my-model"), Sampling::Free);
    assert!(models::rules("claude-opus-4-5").prefill && !models::rules("claude-opus-4-6").prefill);
    assert!(models::rules("claude-opus-4-5").effort && !models::rules("claude-sonnet-4-5").effort);
    assert_eq!(models::rules("claude-haiku-4-5").thinking, Thinking::Budget);
    assert!(models::rules("claude-opus-4-8").system_turns && !models::rules("claude-opus-4-7").system_turns);
}

#[test]
fn a_users_table_overrides_facts_and_adds_names() {
    let over = r#"{"aliases": {"sonnet": "claude-sonnet-5", "fast": "haiku"}, "models": [{"id": "claude-own-1", "display_name": "Own", "rules": "4.1"}]}"#;
    let table =
        models::embedded().clone().merged(Table::from_json(over).unwrap()).with_alias("gpt-4o", "fast");
    assert_eq!(table.resolve("sonnet"), "claude-sonnet-5");
    assert_eq!(table.resolve("gpt-4o"), "claude-haiku-5-5", "an alias of an alias");
    assert_eq!(table.rules("claude-own-1").sampling, Sampling::One);
    assert_eq!(parse(&table.get_openai("gpt-4o").unwrap())["id"], "gpt-4o");
    let circle = Table::default().with_alias("a", "b").with_alias("b", "a");
    assert!(["a", "b"].contains(&&*circle.resolve("a")));
}

#[test]
fn lists_have_the_shape_of_either_dialect() {
    let openai = parse(&models::list_openai());
    assert_eq!(openai["object"], "list");
    let yes = json!({"supported": true});
    let no = json!({"supported": false});
    let effort = json!({"supported": true, "low": yes, "medium": yes, "high": yes, "xhigh": yes, "max": yes});
    let thinking = json!({"supported": true, "types": {"adaptive": yes, "enabled": no}});
    let sonnet = json!({"id": "claude-sonnet-5-5", "object": "model", "created": 1_790_553_600, "owned_by": "anthropic",
        "display_name": "Claude Sonnet 5.5", "max_input_tokens": 1_000_000, "max_tokens": 128_000,
        "capabilities": {"effort": effort, "structured_outputs": yes, "thinking": thinking}});
    assert!(openai["data"].as_array().unwrap().contains(&sonnet), "{openai}");
    assert_eq!(parse(&models::get_openai("claude-sonnet-5-5").unwrap()), sonnet);

    let old = parse(&models::get_anthropic("claude-sonnet-4-5").unwrap());
    let effort = json!({"supported": false, "low": no, "medium": no, "high": no, "xhigh": no, "max": no});
    let thinking = json!({"supported": true, "types": {"adaptive": no, "enabled": yes}});
    let expected = json!({"type": "model", "id": "claude-sonnet-4-5", "display_name": "Claude Sonnet 4.5", "line": "sonnet",
        "created_at": "2025-09-29T00:00:00Z", "lifecycle": "deprecated", "deprecated_at": "2026-09-30T00:00:00Z",
        "retires_at": "2026-11-30T00:00:00Z", "max_input_tokens": 200_000, "max_tokens": 64_000, "capabilities": {"effort": effort, "structured_outputs": yes, "thinking": thinking}});
    assert_eq!(old, expected);
    assert_eq!(parse(&models::get_anthropic("opus").unwrap())["id"], "opus");
    assert!(models::get_anthropic("gpt-4o").is_none() && models::get_openai("").is_none());
}

#[test]
fn pages_of_the_anthropic_list_join_without_gap() {
    let ids = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids(&parse(&models::list_anthropic(&Page { limit: Some(1000), ..Page::default() })));
    let (mut forward, mut after) = (Vec::new(), None);
    loop {
        let page = parse(&models::list_anthropic(&Page {
            limit: Some(4),
            after_id: after.as_deref(),
            before_id: None,
        }));
        forward.extend(ids(&page));
        after = page["last_id"].as_str().map(str::to_owned);
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(forward, all);
    let back =
        parse(&models::list_anthropic(&Page { limit: Some(2), after_id: None, before_id: Some(&all[5]) }));
    assert_eq!((ids(&back), &back["has_more"]), (all[3..5].to_vec(), &json!(true)));
}

const UPSTREAM: &[u8] = br#"{"data":[
    {"type":"model","id":"claude-sonnet-5-5","display_name":"X","created_at":"2025-02-19T00:00:00Z","max_input_tokens":1000,"max_tokens":100,
     "retires_at":"2027-01-02T00:00:00Z","capabilities":{"batch":{"supported":true}},"new":1.50},
    {"id":"y"}],"has_more":false}"#;

#[test]
fn an_upstreams_list_is_reshaped_and_has_the_aliases() {
    let table = models::embedded().clone().with_alias("gpt-4o", "sonnet").with_alias("other", "not-there");
    let listing = Listing::read(UPSTREAM, &table).unwrap();
    let list = parse(&listing.openai());
    let model = |id: &str| {
        json!({"id": id, "object": "model", "created": 1_739_923_200, "owned_by": "anthropic", "shutdown_date": "2027-01-02",
            "display_name": "X", "max_input_tokens": 1000, "max_tokens": 100, "capabilities": {"batch": {"supported": true}}})
    };
    assert_eq!(list["data"][0], model("claude-sonnet-5-5"));
    assert_eq!(list["data"][1], json!({"id": "y", "object": "model", "created": 0, "owned_by": "anthropic"}));
    let ids: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["claude-sonnet-5-5", "y", "gpt-4o", "sonnet"]);
    assert_eq!(parse(&listing.get_openai("gpt-4o").unwrap()), model("gpt-4o"));
    let alias = listing.get_anthropic("sonnet").unwrap();
    assert!(alias.ends_with(br#""new":1.50}"#), "all else stays as it came");
    assert_eq!(parse(&alias)["id"], "sonnet");
    let page = parse(&listing.anthropic(&Page { limit: Some(2), after_id: Some("y"), before_id: None }));
    assert_eq!(
        (&page["first_id"], &page["last_id"], &page["has_more"]),
        (&json!("gpt-4o"), &json!("sonnet"), &json!(false))
    );
    assert!(Listing::read(b"<html>", &table).is_none() && listing.get_openai("other").is_none());
}
