//! A legacy completion: each prompt is what the user says, and the answer's text is the completion.
//! <https://platform.openai.com/docs/api-reference/completions>

use std::borrow::Cow;

use messages::json::{self, Members, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::places::Chat;
use super::{NO_LOGPROBS, include_usage};
use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Request, Turn};
use crate::openai::{Places, ROOT, sampling, settings, unsupported};
use crate::openai_chat::{Defaults, Shape, Translated};

/// Members that may stand once.
const KNOWN: [&str; 16] = [
    "model",
    "prompt",
    "stream",
    "stream_options",
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "n",
    "best_of",
    "echo",
    "suffix",
    "logprobs",
    "user",
    "safety_identifier",
    "anthropic",
];

/// Translates a legacy completion's body: one Messages request for each prompt and choice.
///
/// # Errors
/// What can't be translated, with its path.
pub fn translate_completion(body: &[u8], defaults: &Defaults<'_>) -> Result<Translated, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    if let Some(key) = fields.duplicate(&KNOWN) {
        return Err(ApiError::invalid(key, "given twice"));
    }
    let mut ignored = Ignored::default();
    refuse_what_claude_has_not(&mut fields)?;
    let (asked_model, model) = settings::models(&mut fields, defaults)?;
    let rules = (defaults.rules)(&model);
    let stream = fields.optional("stream", &ROOT)?.unwrap_or(false);
    let include_usage = include_usage(&mut fields, &mut ignored)?;
    let prompts = prompts(&mut fields)?;
    let each = choices_of_each(&mut fields, prompts.len(), defaults)?;
    let echo = fields.optional("echo", &ROOT)?.unwrap_or(false);
    let (max_tokens, limit) =
        settings::max_tokens(&mut fields, &["max_tokens", "max_completion_tokens"], defaults)?;
    let sampling = sampling::read(&mut fields, rules, &mut ignored)?;
    let (metadata, user) = settings::user(&mut fields, defaults.plain_user)?;
    let over = settings::escape_hatch(&mut fields)?;
    ignored.rest_of(fields);
    ignored.refuse_if(defaults.strict)?;
    let mut request = Request {
        model: &model,
        max_tokens: Some(max_tokens),
        stream: Some(stream),
        system: Vec::new(),
        messages: Vec::new(),
        tools: Vec::new(),
        tool_choice: None,
        mcp_servers: Vec::new(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: sampling.stop_sequences,
        thinking: None,
        output_config: None,
        metadata,
        cache_control: None,
        over,
    };
    let origin = Origin::at(&ROOT.key("prompt"), Member::Content);
    let mut bodies = Vec::with_capacity(prompts.len() * each);
    for prompt in &prompts {
        let content = vec![Block::text(Cow::Borrowed(&**prompt)).placed(origin)];
        request.messages = vec![Turn { role: "user", content }];
        bodies.extend(std::iter::repeat_n(request.to_json(prompt.len())?, each));
    }
    let places = Places::of(&request, &Chat, limit, user);
    let mut bodies = bodies.into_iter();
    let body = bodies.next().ok_or_else(|| ROOT.key("prompt").invalid("at least one prompt is required"))?;
    let echoes = prompts.iter().flat_map(|prompt| std::iter::repeat_n(prompt.to_string(), each));
    let echo = if echo { echoes.collect() } else { Vec::new() };
    let shape = Shape { text: true, echo, ..Shape::default() };
    let (further, ignored) = (bodies.collect(), ignored.names());
    Ok(Translated { body, further, asked_model, model, stream, include_usage, shape, ignored, places })
}

fn refuse_what_claude_has_not(fields: &mut Members<'_>) -> Result<(), ApiError> {
    let suffix: Option<Text<'_>> = fields.optional("suffix", &ROOT)?;
    if suffix.is_some_and(|suffix| !suffix.0.is_empty()) {
        return Err(unsupported(&ROOT.key("suffix"), "Claude does not insert text before a suffix"));
    }
    if fields.optional::<u64>("logprobs", &ROOT)?.is_some() {
        return Err(unsupported(&ROOT.key("logprobs"), NO_LOGPROBS));
    }
    if fields.optional::<u64>("best_of", &ROOT)?.is_some_and(|best_of| best_of != 1) {
        return Err(unsupported(
            &ROOT.key("best_of"),
            "only 1 is supported: without log probabilities none is best",
        ));
    }
    Ok(())
}

/// The prompts; tokens can't be one, since Claude's are others.
fn prompts<'a>(fields: &mut Members<'a>) -> Result<Vec<Cow<'a, str>>, ApiError> {
    let at = ROOT.key("prompt");
    let raw = fields.take("prompt").ok_or_else(|| at.invalid("field required"))?;
    let expected = "must be a string or an array of strings; tokens are not supported";
    let texts: Vec<Text<'a>> = match raw.get().as_bytes().first() {
        Some(b'"') => vec![json::read(raw.get(), &at)?],
        Some(b'[') => {
            let items: Vec<&'a RawValue> = json::read(raw.get(), &at)?;
            let text = |(index, item): (usize, &'a RawValue)| match item.get().as_bytes().first() {
                Some(b'"') => json::read(item.get(), &at.index(index)),
                _ => Err(at.index(index).invalid("must be a string; tokens are not supported")),
            };
            items.into_iter().enumerate().map(text).collect::<Result<_, _>>()?
        }
        _ => return Err(at.invalid(expected)),
    };
    let in_list = raw.get().starts_with('[');
    if texts.is_empty() {
        return Err(at.invalid("at least one prompt is required"));
    }
    if let Some(index) = texts.iter().position(|text| text.0.trim().is_empty()) {
        let told = "must not be blank";
        return Err(if in_list { at.index(index).invalid(told) } else { at.invalid(told) });
    }
    Ok(texts.into_iter().map(|text| text.0).collect())
}

/// How many choices each prompt gets; all together are bounded.
fn choices_of_each(
    fields: &mut Members<'_>,
    prompts: usize,
    defaults: &Defaults<'_>,
) -> Result<usize, ApiError> {
    let most = defaults.most_choices;
    let n = fields.optional::<u64>("n", &ROOT)?.unwrap_or(1);
    if n == 0 || n > most as u64 {
        return Err(ApiError::invalid(
            "n",
            format!(
                "must be between 1 and {most} (limits: `openai.max_choices`, `claude_code.max_processes`)"
            ),
        ));
    }
    let each = usize::try_from(n).unwrap_or(most);
    if prompts.saturating_mul(each) > most {
        let told = format!(
            "prompts and choices together must not be more than {most} (limits: `openai.max_choices`, `claude_code.max_processes`)"
        );
        return Err(ApiError::invalid("prompt", told));
    }
    Ok(each)
}
