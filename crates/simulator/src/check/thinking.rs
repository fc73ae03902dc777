//! `thinking`: its budget, what it excludes, and what it asks of the conversation.

use super::fields::{self, unknown_tag};
use super::header::has_beta;
use super::{Endpoint, Flaw, Object, Request};
use serde_json::Value;

const LEAST_BUDGET: i64 = 1024;

pub(super) fn check(request: &Request<'_>, body: &Object) -> Result<(), Flaw> {
    let Some(value) = body.get("thinking").filter(|value| !value.is_null()) else { return Ok(()) };
    let thinking = fields::object(value).map_err(|flaw| flaw.within("thinking"))?;
    let kind = fields::string(thinking, "type").map_err(|flaw| flaw.within("thinking"))?;
    let shape = match kind {
        "enabled" => enabled(thinking),
        "disabled" => fields::only(thinking, &["type"]),
        "adaptive" | "between_tools" => display(thinking),
        other => return Err(unknown_tag(other, &["adaptive", "disabled", "enabled"]).within("thinking")),
    };
    shape.map_err(|flaw| flaw.within(format_args!("thinking.{kind}")))?;
    if kind == "disabled" {
        return Ok(());
    }
    excluded(body)?;
    if kind == "enabled" {
        if request.endpoint == Endpoint::Messages {
            budget(request, thinking, body)?;
        }
        starts_with_thinking(body)?;
    }
    Ok(())
}

fn enabled(thinking: &Object) -> Result<(), Flaw> {
    fields::only(thinking, &["type", "budget_tokens", "display", "block_binding"])?;
    let budget = fields::required(thinking, "budget_tokens")?;
    fields::integer(budget, LEAST_BUDGET).map_err(|flaw| flaw.within("budget_tokens"))?;
    display(thinking)
}

fn display(thinking: &Object) -> Result<(), Flaw> {
    match thinking.get("display").filter(|display| !display.is_null()) {
        Some(display) => fields::one_of(display, &["summarized", "omitted", "updates"])
            .map_err(|flaw| flaw.within("display")),
        None => Ok(()),
    }
}

/// With tools and interleaved thinking the budget spans several answers and may be larger.
fn budget(request: &Request<'_>, thinking: &Object, body: &Object) -> Result<(), Flaw> {
    let number = |object: &Object, name: &str| object.get(name).and_then(Value::as_i64).unwrap_or(0);
    let interleaved = has_beta(request.headers, "interleaved-thinking-") && body.contains_key("tools");
    if interleaved || number(body, "max_tokens") > number(thinking, "budget_tokens") {
        return Ok(());
    }
    Err(Flaw::here(
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at \
         https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
    ))
}

fn excluded(body: &Object) -> Result<(), Flaw> {
    if body.get("temperature").is_some_and(|value| value.as_f64() != Some(1.0)) {
        return Err(Flaw::here(
            "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.",
        ));
    }
    if body.contains_key("top_k") {
        return Err(Flaw::here("`top_k` must be unset when thinking is enabled or in adaptive mode."));
    }
    if body.get("top_p").and_then(Value::as_f64).is_some_and(|value| value < 0.95) {
        return Err(Flaw::here(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in adaptive mode.",
        ));
    }
    match body.get("tool_choice").map(|choice| &choice["type"]) {
        Some(kind) if kind == "any" || kind == "tool" => {
            Err(Flaw::here("Thinking may not be enabled when tool_choice forces tool use."))
        }
        _ => Ok(()),
    }
}

/// In a tool loop under manual thinking, the assistant's turn still begins with the thinking that led to the call.
fn starts_with_thinking(body: &Object) -> Result<(), Flaw> {
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let in_loop = messages.iter().rev().find(|message| message["role"] != "system").is_some_and(|last| {
        last["content"]
            .as_array()
            .is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
    });
    let assistant = messages.iter().enumerate().rev().find(|(_, message)| message["role"] == "assistant");
    let Some((index, message)) = assistant.filter(|_| in_loop) else { return Ok(()) };
    let found = message["content"][0]["type"].as_str().unwrap_or("text");
    if found == "thinking" || found == "redacted_thinking" {
        return Ok(());
    }
    Err(Flaw::at(
        format!("messages.{index}.content.0.type"),
        format!(
            "Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final \
             `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and \
             `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this \
             requirement, disable `thinking`. Please consult our documentation at \
             https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        ),
    ))
}
