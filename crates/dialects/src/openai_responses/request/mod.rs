//! A Responses request becomes a Messages request. Every complaint names its JSON path.

mod calls;
mod content;
mod conversation;
mod echo;
mod hosted;
mod item;
mod places;
mod tools;
mod wishes;

use std::borrow::Cow;

use messages::json::{self, Members, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use self::echo::Echoed;
pub(super) use self::item::Item;
use self::places::Responses;
use super::{Defaults, Earlier, Echo, Translated};
use crate::openai::effort::Surroundings;
use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Placed};
use crate::openai::{Places, ROOT, output, sampling, settings, unsupported};

/// Members that may stand once. (JSON lets a name come twice; which one counts would be a guess.)
const KNOWN: [&str; 30] = [
    "model",
    "input",
    "instructions",
    "previous_response_id",
    "conversation",
    "prompt",
    "stream",
    "stream_options",
    "store",
    "background",
    "max_output_tokens",
    "max_tool_calls",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "include",
    "truncation",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
    "top_logprobs",
    "moderation",
    "cache_control",
    "anthropic",
];

/// What the request is translated for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Answer,
    Counting,
}

/// Translates a request's body; `earlier` is what the server has of the responses that it goes on from.
pub fn translate(
    body: &[u8],
    earlier: &Earlier<'_>,
    defaults: &Defaults<'_>,
) -> Result<Translated, ApiError> {
    read(body, earlier, defaults, Purpose::Answer)
}

/// The same for `POST /v1/responses/input_tokens`: the body is one for the API's token count, which takes neither a
/// limit nor sampling.
pub fn translate_for_counting(
    body: &[u8],
    earlier: &Earlier<'_>,
    defaults: &Defaults<'_>,
) -> Result<Translated, ApiError> {
    read(body, earlier, defaults, Purpose::Counting)
}

fn read(
    body: &[u8],
    earlier: &Earlier<'_>,
    defaults: &Defaults<'_>,
    purpose: Purpose,
) -> Result<Translated, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    if let Some(key) = fields.duplicate(&KNOWN) {
        return Err(ApiError::invalid(key, "given twice"));
    }
    let mut ignored = Ignored::default();
    refuse_what_claude_has_not(&mut fields)?;
    let mut echoed = Echoed::of(&fields);
    let (asked_model, model) = settings::models(&mut fields, defaults)?;
    let rules = (defaults.rules)(&model);
    let outer = Outer::read(&mut fields, &mut ignored)?;
    let sources = wishes::include(&mut fields, &mut ignored)?;
    let (max_tokens, limit) = settings::max_tokens(&mut fields, &["max_output_tokens"], defaults)?;
    let (mut tools, kinds) = tools::read(&mut fields, rules, defaults.web_search, &mut ignored)?;
    let instructions = instructions(&mut fields)?;
    let text = wishes::text(&mut fields, rules, &mut tools, &mut ignored)?;
    let conversation = conversation::read(&mut fields, earlier, instructions, rules, &mut ignored)?;
    let mut sampling = sampling::read(&mut fields, rules, &mut ignored)?;
    let around =
        Surroundings { rules, max_tokens, tool_choice: tools.choice.as_ref(), conversation: &conversation };
    let (reasoning, summary) = wishes::reasoning(&mut fields, &around, &mut sampling, &mut ignored)?;
    let (metadata, user) = settings::user(&mut fields, defaults.plain_user)?;
    check_metadata(&mut fields)?;
    let cache_control = content::cache_control(&mut fields, &ROOT)?;
    let over = settings::escape_hatch(&mut fields)?;
    ignored.rest_of(fields);
    ignored.refuse_if(defaults.strict)?;
    let counting = purpose == Purpose::Counting;
    let mut request = output::Request {
        model: &model,
        max_tokens: (!counting).then_some(max_tokens),
        stream: (!counting).then_some(outer.stream),
        system: conversation.system,
        messages: conversation.turns,
        tools: tools.list,
        tool_choice: tools.choice,
        mcp_servers: tools.servers,
        temperature: sampling.temperature.filter(|_| !counting),
        top_p: sampling.top_p.filter(|_| !counting),
        stop_sequences: Vec::new(),
        thinking: reasoning.thinking,
        output_config: output::OutputConfig::new(reasoning.effort, text.format),
        metadata: metadata.filter(|_| !counting),
        cache_control: cache_control.filter(|_| !counting).map(Cow::Borrowed),
        over,
    };
    if defaults.auto_cache && !counting {
        request.cache_automatically();
    }
    let betas = if request.mcp_servers.is_empty() { Vec::new() } else { vec![hosted::MCP_BETA] };
    let body = request.to_json(body.len())?;
    let places = Places::of(&request, &Responses, limit, user);
    drop(request);
    echoed.set("model", &asked_model);
    let echo =
        echoed.finish(Echo { tools: kinds, summary, sources, content_tool: text.tool, ..Echo::default() });
    let Outer { stream, store, background } = outer;
    let ignored = ignored.names();
    Ok(Translated { body, betas, asked_model, model, stream, store, background, ignored, echo, places })
}

/// What says how the answer is given, not what it is.
struct Outer {
    stream: bool,
    store: bool,
    background: bool,
}

impl Outer {
    fn read(fields: &mut Members<'_>, ignored: &mut Ignored) -> Result<Self, ApiError> {
        let outer = Self {
            stream: fields.optional("stream", &ROOT)?.unwrap_or(false),
            store: fields.optional("store", &ROOT)?.unwrap_or(true),
            background: fields.optional("background", &ROOT)?.unwrap_or(false),
        };
        if outer.background && !outer.store {
            return Err(ApiError::invalid("background", "needs `store`: the response is polled for"));
        }
        without_effect(fields, "truncation", &["auto", "disabled"], "disabled", ignored)?;
        let tiers = ["auto", "default", "flex", "scale", "priority", "fast", "standard"];
        without_effect(fields, "service_tier", &tiers, "auto default", ignored)?;
        if let Some(mut options) = fields.optional::<Members<'_>>("stream_options", &ROOT)? {
            // Without effect either way: no padding is ever added.
            options.optional::<bool>("include_obfuscation", &ROOT.key("stream_options"))?;
            ignored.rest_below(options, "stream_options");
        }
        Ok(outer)
    }
}

/// A choice that is made already: values that mean just that are taken, others are named as ignored.
fn without_effect(
    fields: &mut Members<'_>,
    key: &'static str,
    known: &[&str],
    meant: &str,
    ignored: &mut Ignored,
) -> Result<(), ApiError> {
    let Some(Text(asked)) = fields.optional(key, &ROOT)? else { return Ok(()) };
    if !known.contains(&&*asked) {
        return Err(ApiError::invalid(key, format!("must be one of {}", known.join(", "))));
    }
    if !meant.split(' ').any(|meant| meant == asked) {
        ignored.note(key);
    }
    Ok(())
}

fn refuse_what_claude_has_not(fields: &mut Members<'_>) -> Result<(), ApiError> {
    let has = |fields: &Members<'_>, key: &str| {
        fields.0.iter().any(|(name, value)| name == key && value.get() != "null")
    };
    for (key, why) in [
        ("conversation", "not supported; use previous_response_id"),
        ("prompt", "there are no stored prompts; send instructions and input"),
        ("moderation", "not supported"),
    ] {
        if has(fields, key) {
            return Err(unsupported(&ROOT.key(key), why));
        }
    }
    if fields.optional::<u64>("top_logprobs", &ROOT)?.is_some_and(|count| count > 0) {
        return Err(unsupported(&ROOT.key("top_logprobs"), "Claude gives no log probabilities"));
    }
    Ok(())
}

fn instructions<'a>(fields: &mut Members<'a>) -> Result<Vec<Placed<'a>>, ApiError> {
    let told: Option<Text<'a>> = fields.optional("instructions", &ROOT)?;
    let told = told.map(|text| text.0).filter(|text| !text.trim().is_empty());
    let origin = Origin::at(&ROOT.key("instructions"), Member::Content);
    Ok(told.map(|told| Block::text(told).placed(origin)).into_iter().collect())
}

/// `metadata` is repeated in the response and kept with it, so it must have the shape it is promised to have.
fn check_metadata(fields: &mut Members<'_>) -> Result<(), ApiError> {
    let at = ROOT.key("metadata");
    let Some(pairs) = fields.optional::<Members<'_>>("metadata", &ROOT)? else { return Ok(()) };
    if pairs.0.len() > 16 {
        return Err(at.invalid("must not have more than 16 members"));
    }
    for (name, value) in pairs.0 {
        let at = at.key(&name);
        let Text(value) = json::read(value.get(), &at)?;
        if name.chars().count() > 64 || value.chars().count() > 512 {
            return Err(at.invalid("the name must not be longer than 64 characters, the value not than 512"));
        }
    }
    Ok(())
}

/// JSON that was made here.
fn made(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
