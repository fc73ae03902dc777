//! A Chat Completions request becomes a Messages request. Every complaint names its JSON path.

mod assistant;
mod content;
mod conversation;
mod effort;
mod format;
mod media;
mod output;
mod places;
mod reasoning;
mod sampling;
mod schema;
mod tools;

use std::collections::HashSet;

use bytes::Bytes;
use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

pub use self::places::Places;
use super::{Defaults, Translated};

/// The request itself is the root of all paths.
static ROOT: Path<'static> = Path::Root;

/// Members that may stand once. (JSON lets a name come twice; which one counts would be a guess.)
const KNOWN: [&str; 22] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "n",
    "user",
    "safety_identifier",
    "functions",
    "function_call",
    "cache_control",
    "anthropic",
    "web_search_options",
];

/// Translates a request's body.
pub fn translate(body: &[u8], defaults: &Defaults<'_>) -> Result<Translated, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    if let Some(key) = fields.duplicate(&KNOWN) {
        return Err(ApiError::invalid(key, "given twice"));
    }
    let mut ignored = Ignored::default();
    refuse_what_claude_has_not(&mut fields)?;
    let (asked_model, model) = models(&mut fields, defaults)?;
    let rules = (defaults.rules)(&model);
    let stream = fields.optional("stream", &ROOT)?.unwrap_or(false);
    let include_usage = include_usage(&mut fields, &mut ignored)?;
    let (max_tokens, limit) = max_tokens(&mut fields, defaults)?;
    let (tools, tool_choice) = tools::read(&mut fields, &mut ignored)?;
    let conversation = conversation::read(&mut fields, rules, &mut ignored)?;
    let mut sampling = sampling::read(&mut fields, rules, &mut ignored)?;
    let around = effort::Surroundings {
        rules,
        max_tokens,
        tool_choice: tool_choice.as_ref(),
        conversation: &conversation,
    };
    let reasoning = effort::read(&mut fields, &around, &mut sampling, &mut ignored)?;
    let format = format::read(&mut fields, rules, &mut ignored)?;
    let (user_id, user) = user_id(&mut fields, defaults.plain_user)?;
    let cache_control = content::cache_control(&mut fields, &ROOT)?;
    let over = escape_hatch(&mut fields)?;
    ignored.rest_of(fields);
    ignored.refuse_if(defaults.strict)?;
    let request = output::Request {
        model: &model,
        max_tokens,
        stream,
        system: conversation.system,
        messages: conversation.turns,
        tools,
        tool_choice,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: sampling.stop_sequences,
        thinking: reasoning.thinking,
        output_config: output::OutputConfig::new(reasoning.effort, format),
        metadata: user_id.map(|user_id| output::Metadata { user_id }),
        cache_control,
        over,
    };
    let body = request.to_json(body.len())?;
    let places = Places::of(&request, limit, user);
    drop(request);
    Ok(Translated { body, asked_model, model, stream, include_usage, ignored: ignored.names(), places })
}

/// A 400 that says which parameter can't be served.
fn unsupported(at: &Path<'_>, message: &str) -> ApiError {
    at.invalid(message).with_code("unsupported_parameter")
}

fn refuse_what_claude_has_not(fields: &mut Members<'_>) -> Result<(), ApiError> {
    if fields.optional::<u64>("n", &ROOT)?.is_some_and(|n| n != 1) {
        return Err(unsupported(&ROOT.key("n"), "only 1 is supported"));
    }
    let has = |fields: &Members<'_>, key: &str| {
        fields.0.iter().any(|(name, value)| name == key && value.get() != "null")
    };
    for key in ["audio", "functions", "function_call", "web_search_options"] {
        if has(fields, key) {
            return Err(unsupported(&ROOT.key(key), "not supported"));
        }
    }
    let peek = |fields: &Members<'_>, key: &str, wanted: &str| {
        fields.0.iter().any(|(name, value)| name == key && value.get() == wanted)
    };
    if peek(fields, "logprobs", "true") {
        return Err(unsupported(&ROOT.key("logprobs"), "Claude gives no log probabilities"));
    }
    let modalities: Option<Vec<Text<'_>>> = fields.optional("modalities", &ROOT)?;
    if modalities.is_some_and(|list| list.iter().any(|modality| modality.0 != "text")) {
        return Err(unsupported(&ROOT.key("modalities"), "only text is supported"));
    }
    Ok(())
}

fn models(fields: &mut Members<'_>, defaults: &Defaults<'_>) -> Result<(String, String), ApiError> {
    let named: Option<Text<'_>> = fields.optional("model", &ROOT)?;
    let named = named.map(|text| text.0.trim().to_owned()).filter(|name| !name.is_empty());
    let wanted = named.as_deref().filter(|name| *name != "default").unwrap_or(defaults.default_model);
    let model = (defaults.resolve)(wanted);
    Ok((named.unwrap_or_else(|| model.clone()), model))
}

fn include_usage(fields: &mut Members<'_>, ignored: &mut Ignored) -> Result<bool, ApiError> {
    let at = ROOT.key("stream_options");
    let Some(mut options) = fields.optional::<Members<'_>>("stream_options", &ROOT)? else {
        return Ok(false);
    };
    let include_usage = options.optional("include_usage", &at)?.unwrap_or(false);
    ignored.rest_below(options, "stream_options");
    Ok(include_usage)
}

fn max_tokens(fields: &mut Members<'_>, defaults: &Defaults<'_>) -> Result<(u64, &'static str), ApiError> {
    let (mut limit, mut named) = (None, "max_tokens");
    for key in ["max_tokens", "max_completion_tokens"] {
        let asked: Option<u64> = fields.optional(key, &ROOT)?;
        if asked == Some(0) {
            return Err(ApiError::invalid(key, "must be at least 1"));
        }
        if asked.is_some() {
            (limit, named) = (asked, key);
        }
    }
    Ok((limit.unwrap_or(defaults.max_tokens.into()), named))
}

/// The user's id, and the member it comes from.
fn user_id(fields: &mut Members<'_>, plain: bool) -> Result<(Option<String>, &'static str), ApiError> {
    let (mut user, mut named): (Option<Text<'_>>, _) = (None, "user");
    for key in ["user", "safety_identifier"] {
        let given = fields.optional(key, &ROOT)?;
        if given.is_some() {
            (user, named) = (given, key);
        }
    }
    let user = user.filter(|user| !user.0.is_empty()).map(|user| user.0.into_owned());
    Ok((user.map(|user| if plain { user } else { hex(&Sha256::digest(user)) }), named))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `anthropic`: members of the Messages request as the caller wants them, over what was translated.
fn escape_hatch<'a>(fields: &mut Members<'a>) -> Result<Vec<(String, &'a RawValue)>, ApiError> {
    let at = ROOT.key("anthropic");
    let Some(over) = fields.optional::<Members<'a>>("anthropic", &ROOT)? else { return Ok(Vec::new()) };
    let mut members: Vec<(String, &'a RawValue)> = Vec::with_capacity(over.0.len());
    let mut names = HashSet::new();
    for (name, value) in over.0 {
        if matches!(&*name, "model" | "stream" | "messages" | "system") {
            return Err(at.key(&name).invalid("stands outside of `anthropic`"));
        }
        if !names.insert(name.clone()) {
            return Err(at.key(&name).invalid("given twice"));
        }
        members.push((name.into_owned(), value));
    }
    Ok(members)
}

impl output::Request<'_> {
    fn to_json(&self, size_hint: usize) -> Result<Bytes, ApiError> {
        let mut out = Vec::with_capacity(size_hint + size_hint / 16 + 256);
        serde_json::to_writer(&mut out, self)
            .map_err(|_| ApiError::new(messages::ErrorKind::Api, "the request could not be written"))?;
        Ok(out.into())
    }
}
