//! A Chat Completions request becomes a Messages request. Every complaint names its JSON path.

mod assistant;
mod completion;
mod content;
mod conversation;
mod custom;
mod effort;
mod format;
mod places;
mod reasoning;
mod tools;
mod web_search;

use std::borrow::Cow;

use messages::json::{self, Members, Text};
use messages::{ApiError, Ignored};

pub use self::completion::translate_completion;

use self::places::Chat;
use super::{Defaults, Shape, Translated};
use crate::openai::effort::Surroundings;
use crate::openai::{Places, ROOT, output, sampling, settings, unsupported};

/// Members that may stand once. (JSON lets a name come twice; which one counts would be a guess.)
const KNOWN: [&str; 25] = [
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
    "logprobs",
    "modalities",
    "audio",
];

const NO_LOGPROBS: &str = "Claude gives no log probabilities";

/// Translates a request's body.
pub fn translate(body: &[u8], defaults: &Defaults<'_>) -> Result<Translated, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    if let Some(key) = fields.duplicate(&KNOWN) {
        return Err(ApiError::invalid(key, "given twice"));
    }
    let mut ignored = Ignored::default();
    refuse_what_claude_has_not(&mut fields, &mut ignored)?;
    let (asked_model, model) = settings::models(&mut fields, defaults)?;
    let rules = (defaults.rules)(&model);
    let stream = fields.optional("stream", &ROOT)?.unwrap_or(false);
    let include_usage = include_usage(&mut fields, &mut ignored)?;
    let choices = choices(&mut fields, defaults)?;
    let (max_tokens, limit) =
        settings::max_tokens(&mut fields, &["max_tokens", "max_completion_tokens"], defaults)?;
    let mut tools = tools::read(&mut fields, rules, &mut ignored)?;
    let recall = |id: &str| (defaults.recall)(id, &model);
    let known = conversation::Known { rules, recall: &recall };
    let conversation = conversation::read(&mut fields, known, &mut ignored)?;
    let mut sampling = sampling::read(&mut fields, rules, &mut ignored)?;
    web_search::read(&mut fields, defaults, &mut tools, &mut ignored)?;
    let answer = format::read(&mut fields, rules, &mut tools, &mut ignored)?;
    let around =
        Surroundings { rules, max_tokens, tool_choice: tools.choice.as_ref(), conversation: &conversation };
    let reasoning = effort::read(&mut fields, &around, &mut sampling, &mut ignored)?;
    let (metadata, user) = settings::user(&mut fields, defaults.plain_user)?;
    let cache_control = content::cache_control(&mut fields, &ROOT)?.map(Cow::Borrowed);
    let over = settings::escape_hatch(&mut fields)?;
    ignored.rest_of(fields);
    ignored.refuse_if(defaults.strict)?;
    let shape = Shape {
        custom_tools: tools.custom,
        content_tool: answer.tool,
        functions: tools.as_functions,
        ..Shape::default()
    };
    let mut request = output::Request {
        model: &model,
        max_tokens: Some(max_tokens),
        stream: Some(stream),
        system: conversation.system,
        messages: conversation.turns,
        tools: tools.list,
        tool_choice: tools.choice,
        mcp_servers: Vec::new(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: sampling.stop_sequences,
        thinking: reasoning.thinking,
        output_config: output::OutputConfig::new(reasoning.effort, answer.format),
        metadata,
        cache_control,
        over,
    };
    if defaults.auto_cache {
        request.cache_automatically();
    }
    let body = request.to_json(body.len())?;
    let further = vec![body.clone(); choices.saturating_sub(1)];
    let places = Places::of(&request, &Chat, limit, user);
    drop(request);
    let ignored = ignored.names();
    Ok(Translated { body, further, asked_model, model, stream, include_usage, shape, ignored, places })
}

fn refuse_what_claude_has_not(fields: &mut Members<'_>, ignored: &mut Ignored) -> Result<(), ApiError> {
    let has = |fields: &Members<'_>, key: &str| {
        fields.0.iter().any(|(name, value)| name == key && value.get() != "null")
    };
    if has(fields, "audio") {
        return Err(unsupported(&ROOT.key("audio"), "Claude gives no audio"));
    }
    let logprobs: Option<bool> = fields.optional("logprobs", &ROOT)?;
    if logprobs == Some(true) {
        return Err(unsupported(&ROOT.key("logprobs"), NO_LOGPROBS));
    }
    if logprobs.is_some() {
        ignored.note("logprobs");
    }
    let modalities: Option<Vec<Text<'_>>> = fields.optional("modalities", &ROOT)?;
    if modalities.is_some_and(|list| list.iter().any(|modality| modality.0 != "text")) {
        return Err(unsupported(&ROOT.key("modalities"), "only text is supported"));
    }
    Ok(())
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

/// How many answers are wanted.
fn choices(fields: &mut Members<'_>, defaults: &Defaults<'_>) -> Result<usize, ApiError> {
    let most = defaults.most_choices;
    match fields.optional::<u64>("n", &ROOT)? {
        Some(n) if n == 0 || n > most as u64 => Err(ApiError::invalid(
            "n",
            format!(
                "must be between 1 and {most} (limits: `openai.max_choices`, `claude_code.max_processes`)"
            ),
        )),
        n => Ok(n.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)),
    }
}
