//! The top-level fields: which there are, and the shape of those that hold no blocks.

use super::fields::{self, EXTRA};
use super::header::{Version, has_beta};
use super::{Endpoint, Flaw, Object, Request};
use serde_json::Value;

const SHARED: &[&str] = &[
    "billing_policy",
    "cache_control",
    "compaction",
    "context_management",
    "diagnostics",
    "mcp_servers",
    "messages",
    "model",
    "output_config",
    "output_format",
    "speed",
    "system",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
];

const MESSAGES_ONLY: &[&str] = &[
    "container",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
];

const SAMPLING: &[&str] = &["temperature", "top_k", "top_p"];

/// Fields that exist only for requests with a beta header that starts like this.
const BETA: &[(&str, &str)] =
    &[("context_management", "context-management-"), ("mcp_servers", "mcp-client-")];

pub(super) fn check(request: &Request<'_>, body: &Object) -> Result<(), Flaw> {
    fields::string(body, "model")?;
    fields::required(body, "messages")?;
    let messages = request.endpoint == Endpoint::Messages;
    if messages {
        fields::required(body, "max_tokens")?;
    }
    let sampling = messages && request.version == Version::First;
    for (name, value) in body {
        let name = name.as_str();
        let known = SHARED.contains(&name)
            || (messages && MESSAGES_ONLY.contains(&name))
            || (sampling && SAMPLING.contains(&name));
        let beta = BETA.iter().find(|(field, _)| *field == name);
        if !known || beta.is_some_and(|(_, start)| !has_beta(request.headers, start)) {
            return Err(Flaw::at(name, EXTRA));
        }
        shape(name, value).map_err(|flaw| flaw.within(name))?;
    }
    Ok(())
}

/// `null` stands for absence only where the API says so.
fn shape(name: &str, value: &Value) -> Result<(), Flaw> {
    match name {
        "max_tokens" => fields::integer(value, 0).map(drop),
        "stream" => fields::boolean(value),
        "temperature" | "top_p" => fields::share(value),
        "top_k" => fields::integer(value, 0).map(drop),
        "stop_sequences" => stop_sequences(value),
        "metadata" => metadata(value),
        "service_tier" => fields::one_of(value, &["auto", "standard_only"]),
        "speed" if !value.is_null() => fields::one_of(value, &["standard", "fast"]),
        "output_config" => output_config(value),
        "context_management" if !value.is_null() => fields::object(value).map(drop),
        _ => Ok(()),
    }
}

fn stop_sequences(value: &Value) -> Result<(), Flaw> {
    for (index, sequence) in fields::list(value)?.iter().enumerate() {
        let Some(text) = sequence.as_str() else {
            return Err(Flaw::at(index.to_string(), "Input should be a valid string"));
        };
        if text.trim().is_empty() {
            return Err(Flaw::here("each stop sequence must contain non-whitespace"));
        }
    }
    Ok(())
}

fn metadata(value: &Value) -> Result<(), Flaw> {
    let metadata = fields::object(value)?;
    fields::only(metadata, &["user_id"])?;
    match metadata.get("user_id") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(id)) if id.chars().count() <= 512 => Ok(()),
        Some(Value::String(_)) => Err(Flaw::at("user_id", "String should have at most 512 characters")),
        Some(_) => Err(Flaw::at("user_id", "Input should be a valid string")),
    }
}

/// Also that of a system message, which has no `format`.
pub(super) fn output_config(value: &Value) -> Result<(), Flaw> {
    let config = fields::object(value)?;
    fields::only(config, &["effort", "format", "task_budget"])?;
    if let Some(effort) = config.get("effort").filter(|effort| !effort.is_null()) {
        let levels = ["low", "medium", "high", "xhigh", "max"];
        fields::one_of(effort, &levels).map_err(|flaw| flaw.within("effort"))?;
    }
    if let Some(format) = config.get("format").filter(|format| !format.is_null()) {
        output_format(format).map_err(|flaw| flaw.within("format"))?;
    }
    Ok(())
}

fn output_format(value: &Value) -> Result<(), Flaw> {
    let format = fields::object(value)?;
    fields::one_of(fields::required(format, "type")?, &["json_schema"])
        .map_err(|flaw| flaw.within("type"))?;
    let schema = fields::object(fields::required(format, "schema")?).map_err(|flaw| flaw.within("schema"))?;
    if schema.get("type").is_some_and(|kind| kind == "object")
        && schema.get("additionalProperties") != Some(&Value::Bool(false))
    {
        let prose = "For 'object' type, 'additionalProperties' must be explicitly set to false";
        return Err(Flaw::at("schema", prose));
    }
    Ok(())
}
