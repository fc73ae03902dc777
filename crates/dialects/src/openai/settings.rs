//! What every request says beside the conversation: model, limit, user, and the API's own members.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;
use messages::ApiError;
use messages::json::{Members, Text};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::thought::Thought;
use super::{ROOT, output};
use crate::models::Rules;

/// What the server adds to a request.
#[derive(Clone, Copy)]
pub struct Defaults<'a> {
    /// Used when the request names no model, or `default`.
    pub default_model: &'a str,
    /// Used when the request names no limit.
    pub max_tokens: u32,
    /// Whether a parameter that would be ignored is a 400 instead.
    pub strict: bool,
    /// Whether `user` goes upstream as it is; else as its SHA-256.
    pub plain_user: bool,
    /// Alias or retired name → model that serves it.
    pub resolve: &'a dyn Fn(&str) -> String,
    /// What the model that serves takes: the table's rules, less what the backend can't carry.
    pub rules: &'a dyn Fn(&str) -> Rules,
    /// What was thought before a tool call: by the call's id and the model that serves.
    pub recall: &'a dyn Fn(&str, &str) -> Option<Thought>,
    /// Whether the backend carries the API's own web search and MCP connector.
    pub web_search: bool,
    /// Whether a request without marks for the prompt cache asks the API to cache by itself.
    pub auto_cache: bool,
    /// The most choices of one chat completion.
    pub most_choices: usize,
}

#[cfg(test)]
impl Defaults<'static> {
    /// Those of a server whose models take everything.
    pub(crate) const OF_TESTS: Self = Self {
        default_model: "claude-x",
        max_tokens: 9,
        strict: false,
        plain_user: false,
        resolve: &|name| name.to_owned(),
        rules: &|_| Rules { structured_outputs: true, effort: true, ..Rules::UNKNOWN },
        recall: &|_, _| None,
        web_search: true,
        auto_cache: false,
        most_choices: 1,
    };
}

/// The API's own caching of all that comes before the last message.
const AUTO_CACHE: &str = r#"{"type":"ephemeral"}"#;

/// The model as the caller named it, and the one that serves.
pub(crate) fn models(
    fields: &mut Members<'_>,
    defaults: &Defaults<'_>,
) -> Result<(String, String), ApiError> {
    let named: Option<Text<'_>> = fields.optional("model", &ROOT)?;
    let named = named.map(|text| text.0.trim().to_owned()).filter(|name| !name.is_empty());
    let wanted = named.as_deref().filter(|name| *name != "default").unwrap_or(defaults.default_model);
    let model = (defaults.resolve)(wanted);
    Ok((named.unwrap_or_else(|| model.clone()), model))
}

/// The limit of the answer and the key that names it; where several do, the last.
pub(crate) fn max_tokens(
    fields: &mut Members<'_>,
    keys: &[&'static str],
    defaults: &Defaults<'_>,
) -> Result<(u64, &'static str), ApiError> {
    let (mut limit, mut named) = (None, keys.first().copied().unwrap_or_default());
    for key in keys {
        let asked: Option<u64> = fields.optional(key, &ROOT)?;
        if asked == Some(0) {
            return Err(ApiError::invalid(*key, "must be at least 1"));
        }
        if asked.is_some() {
            (limit, named) = (asked, *key);
        }
    }
    Ok((limit.unwrap_or(defaults.max_tokens.into()), named))
}

/// `user` or `safety_identifier` as `metadata.user_id`, and which of them it is.
pub(crate) fn user(
    fields: &mut Members<'_>,
    plain: bool,
) -> Result<(Option<output::Metadata>, &'static str), ApiError> {
    let (mut user, mut named): (Option<Text<'_>>, _) = (None, "user");
    for key in ["user", "safety_identifier"] {
        let given = fields.optional(key, &ROOT)?;
        if given.is_some() {
            (user, named) = (given, key);
        }
    }
    let Some(Text(user)) = user.filter(|user| !user.0.is_empty()) else { return Ok((None, named)) };
    let user_id = if plain { user.into_owned() } else { hex(&Sha256::digest(&*user)) };
    Ok((Some(output::Metadata { user_id }), named))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `anthropic`: members of the Messages request as the caller wants them, over what was translated.
pub(crate) fn escape_hatch<'a>(fields: &mut Members<'a>) -> Result<Vec<(String, &'a RawValue)>, ApiError> {
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
    /// Asks the API to cache by itself, unless the caller put marks for the prompt cache.
    pub(crate) fn cache_automatically(&mut self) {
        let marked = |blocks: &[output::Placed<'_>]| blocks.iter().any(|placed| placed.block.is_marked());
        let is_marked = self.cache_control.is_some()
            || marked(&self.system)
            || self.messages.iter().any(|turn| marked(&turn.content))
            || self.tools.iter().any(output::AnyTool::is_marked);
        if !is_marked {
            self.cache_control = RawValue::from_string(AUTO_CACHE.to_owned()).ok().map(Cow::Owned);
        }
    }

    /// The request as JSON; `size_hint` is the size of what it was made from.
    pub(crate) fn to_json(&self, size_hint: usize) -> Result<Bytes, ApiError> {
        let mut out = Vec::with_capacity(size_hint + size_hint / 16 + 256);
        serde_json::to_writer(&mut out, self)
            .map_err(|_| ApiError::new(messages::ErrorKind::Api, "the request could not be written"))?;
        Ok(out.into())
    }
}
