//! The caller's tools and the choice among them, however a dialect spells them.

use std::borrow::Cow;
use std::collections::HashSet;

use messages::ApiError;
use messages::json::{self, Members, Path};
use serde_json::value::RawValue;

use super::ROOT;
use super::output::{AnyTool, ToolChoice};
use crate::models::Rules;

/// The API's limits on strict tools of one request: how many, and how many unions in their schemas.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs#schema-complexity-limits>
const MOST_STRICT_TOOLS: usize = 20;
const MOST_STRICT_UNIONS: usize = 16;

/// What of the API's allowance for strict tools is used up.
#[derive(Default)]
pub(crate) struct Strict {
    tools: usize,
    unions: usize,
}

impl Strict {
    /// The schema as a strict tool's must be; none where the model, the schema or the API's limits have no room for it.
    pub(crate) fn schema(&mut self, schema: &RawValue, rules: Rules, at: &Path<'_>) -> Option<Box<RawValue>> {
        if !rules.structured_outputs || self.tools == MOST_STRICT_TOOLS {
            return None;
        }
        let closed = super::schema::acceptable(schema, at).ok()?;
        let unions = closed.get().matches(r#""anyOf":["#).count();
        if self.unions + unions > MOST_STRICT_UNIONS {
            return None;
        }
        self.tools += 1;
        self.unions += unions;
        Some(closed)
    }
}

/// Whether the API takes this as a tool's name.
pub(crate) fn check_name(name: &str, at: &Path<'_>) -> Result<(), ApiError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(at.invalid("must be 1 to 64 characters of a-z, A-Z, 0-9, _ and -"));
    }
    Ok(())
}

/// The API wants the schema of an object and its `type` said. OpenAI takes a missing schema for "no arguments".
pub(crate) fn schema<'a>(raw: Option<&'a RawValue>, at: &Path<'_>) -> Result<Cow<'a, RawValue>, ApiError> {
    let Some(raw) = raw else { return owned(r#"{"type":"object","properties":{}}"#.to_owned(), at) };
    let members: Members<'_> = json::read(raw.get(), at)?;
    if let Some((name, _)) = members.0.iter().find(|(name, _)| matches!(&**name, "anyOf" | "oneOf" | "allOf"))
    {
        return Err(at.key(name).invalid("can't stand at the top of a tool's parameters"));
    }
    if let Some((_, properties)) = members.0.iter().find(|(name, _)| name == "properties") {
        json::read::<Members<'_>>(properties.get(), &at.key("properties"))?;
    }
    match members.0.iter().find(|(name, _)| name == "type") {
        Some((_, kind)) if kind.get() == r#""object""# => Ok(Cow::Borrowed(raw)),
        Some(_) => Err(at.key("type").invalid("must be object")),
        None => {
            let rest = raw.get().trim_start_matches('{').trim_start();
            let comma = if members.0.is_empty() { "" } else { "," };
            owned(format!(r#"{{"type":"object"{comma}{rest}"#), at)
        }
    }
}

pub(crate) fn owned<'a>(json: String, at: &Path<'_>) -> Result<Cow<'a, RawValue>, ApiError> {
    RawValue::from_string(json).map(Cow::Owned).map_err(|_| at.invalid("must be a JSON schema"))
}

/// What the caller wishes, before it is held against the tools there are.
pub(crate) enum Wish<'a> {
    Auto,
    None,
    Required,
    Named(Named<'a>),
    Allowed { tools: Vec<Named<'a>>, required: bool },
}

/// A tool by its name, and where the request names it.
pub(crate) struct Named<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) at: String,
}

impl<'a> Named<'a> {
    fn among(&self, known: &HashSet<String>) -> Result<(), ApiError> {
        if known.contains(&*self.name) {
            return Ok(());
        }
        Err(ApiError::invalid(&*self.at, "names none of the tools"))
    }
}

impl<'a> Wish<'a> {
    /// One of the three words.
    pub(crate) fn word(mode: &str, at: &Path<'_>) -> Result<Self, ApiError> {
        match mode {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            "required" => Ok(Self::Required),
            _ => Err(at.invalid("must be none, auto, required or an object")),
        }
    }

    /// The choice among these tools; those that are not allowed go.
    fn among(self, tools: &mut Vec<AnyTool<'a>>) -> Result<Option<ToolChoice<'a>>, ApiError> {
        if tools.is_empty() {
            return match self {
                Self::Auto | Self::None => Ok(None),
                Self::Named(Named { at, .. }) => {
                    let member = at.split('.').next().unwrap_or_default();
                    Err(ApiError::invalid(member, "needs tools to choose from"))
                }
                _ => Err(ROOT.key("tool_choice").invalid("needs tools to choose from")),
            };
        }
        let known: HashSet<String> = tools.iter().filter_map(|tool| Some(tool.name()?.to_owned())).collect();
        Ok(Some(match self {
            Self::Auto => ToolChoice::named("auto"),
            Self::None => ToolChoice::named("none"),
            Self::Required => ToolChoice::named("any"),
            Self::Named(named) => {
                named.among(&known)?;
                ToolChoice { name: Some(named.name), ..ToolChoice::named("tool") }
            }
            Self::Allowed { tools: allowed, required } => {
                allowed.iter().try_for_each(|named| named.among(&known))?;
                let allowed: HashSet<Cow<'a, str>> = allowed.into_iter().map(|named| named.name).collect();
                tools.retain(|tool| tool.name().is_none_or(|name| allowed.contains(name)));
                ToolChoice::named(if required { "any" } else { "auto" })
            }
        }))
    }
}

/// The tools that are left and the choice among them, `parallel_tool_calls` minded.
pub(crate) fn choose<'a>(
    tools: &mut Vec<AnyTool<'a>>,
    wish: Option<Wish<'a>>,
    parallel: Option<bool>,
) -> Result<Option<ToolChoice<'a>>, ApiError> {
    let mut choice = wish.map(|wish| wish.among(tools)).transpose()?.flatten();
    if tools.is_empty() {
        return Ok(None);
    }
    if parallel == Some(false) {
        let choice = choice.get_or_insert(ToolChoice::named("auto"));
        choice.disable_parallel_tool_use = choice.r#type != "none";
    }
    Ok(choice)
}

impl ToolChoice<'_> {
    pub(crate) const fn named(kind: &'static str) -> Self {
        Self { r#type: kind, name: None, disable_parallel_tool_use: false }
    }
}
