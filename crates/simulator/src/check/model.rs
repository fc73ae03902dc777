//! What the model refuses that others take.

use super::header::has_beta;
use super::{Flaw, Object, Request};
use crate::models;
use serde_json::Value;

pub(super) fn check(request: &Request<'_>, name: &str, body: &Object) -> Result<(), Flaw> {
    let rules = models::rules(name);
    sampling(rules, body)?;
    thinking(rules, body)?;
    output(rules, name, body)?;
    conversation(request, rules, body)
}

fn sampling(rules: models::Rules, body: &Object) -> Result<(), Flaw> {
    let given = |name: &str| body.contains_key(name);
    let first = ["temperature", "top_p", "top_k"].into_iter().find(|name| given(name));
    if let Some(name) = first.filter(|_| rules.no_sampling) {
        return Err(Flaw::here(format!("`{name}` is deprecated for this model.")));
    }
    if rules.one_of_temperature_and_top_p && given("temperature") && given("top_p") {
        return Err(Flaw::here(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        ));
    }
    Ok(())
}

fn thinking(rules: models::Rules, body: &Object) -> Result<(), Flaw> {
    match body.get("thinking").and_then(|thinking| thinking["type"].as_str()) {
        Some("enabled") if rules.no_manual_thinking => Err(Flaw::here(
            "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \
             \"output_config.effort\" to control thinking behavior.",
        )),
        Some("adaptive") if rules.no_adaptive_thinking => {
            Err(Flaw::here("adaptive thinking is not supported on this model"))
        }
        _ => Ok(()),
    }
}

fn output(rules: models::Rules, name: &str, body: &Object) -> Result<(), Flaw> {
    let effort = body.get("output_config").map(|config| &config["effort"]);
    if rules.no_effort && effort.is_some_and(|effort| !effort.is_null()) {
        return Err(Flaw::here("This model does not support the effort parameter."));
    }
    let asked = body.get("max_tokens").and_then(Value::as_u64).unwrap_or(0);
    let most = models::find(name).map_or(u64::MAX, |model| model.max_output_tokens);
    if asked > most {
        return Err(Flaw::at(
            "max_tokens",
            format!("{asked} > {most}, which is the maximum allowed number of output tokens for {name}"),
        ));
    }
    Ok(())
}

fn conversation(request: &Request<'_>, rules: models::Rules, body: &Object) -> Result<(), Flaw> {
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, message) in messages.iter().enumerate().filter(|(_, message)| message["role"] == "system") {
        if rules.no_system_messages {
            return Err(Flaw::at(
                "messages",
                "Unexpected role \"system\". The Messages API accepts a top-level \
                `system` parameter, not \"system\" as an input message role.",
            ));
        }
        if !message["output_config"].is_null() && !has_beta(request.headers, "per-turn-control-") {
            return Err(Flaw::at(format!("messages.{index}.output_config"), super::fields::EXTRA));
        }
    }
    let last = messages.iter().rev().find(|message| message["role"] != "system");
    if rules.no_prefill && last.is_some_and(|last| last["role"] == "assistant") {
        return Err(Flaw::here(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}
