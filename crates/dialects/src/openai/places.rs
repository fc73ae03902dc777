//! The way back from a place in the Messages request to the place in the caller's request that it was made of, so that
//! a backend's complaint names the caller's own fields.

use std::fmt::{Debug, Write};

use messages::{ApiError, Ignored, ignored};

use super::origin::{Member, Origin, Place, ToolOrigin};
use super::output::{self, AnyTool, Placed, Request};

/// How a dialect names the places of its requests. `rest` is what stands below the place in the Messages request, such
/// as `.source.url`.
pub(crate) trait Words: Debug + Send + Sync {
    /// The list of what was said.
    fn said(&self) -> &'static str;

    /// The member of a tool's result that holds its content.
    fn output(&self) -> &'static str;

    /// The member of a result that names its call.
    fn call_id(&self) -> &'static str;

    /// The member of a content part that this block's source was made of; empty for a block without.
    fn source(&self, block: &output::Block<'_>) -> &'static str;

    /// The member of a content part that names its file.
    fn title(&self) -> &'static str;

    /// `rest` of a block of this kind, below its message or item; `None` where that as a whole is meant. Not asked for
    /// content and results.
    fn below(&self, member: Member, rest: &str) -> Option<String>;

    /// A tool, and what stands below it; `None` where the dialect has no tools of this kind.
    fn tool(&self, origin: ToolOrigin, rest: &str) -> Option<String>;

    /// A choice among these tools.
    fn tool_choice(&self, tools: &[ToolOrigin], rest: &str) -> Option<&'static str>;

    /// A setting; `None` where it has the same name, or there is none.
    fn setting(&self, member: &str, rest: &str) -> Option<String>;
}

/// A block's origin, and those of the blocks in it.
#[derive(Clone, Debug)]
struct Block {
    /// The member of a content part that became its source.
    source: &'static str,
    origin: Origin,
    within: Vec<Self>,
}

/// The origins of everything in one translated request.
#[derive(Clone, Debug)]
pub struct Places {
    words: &'static dyn Words,
    system: Vec<Block>,
    turns: Vec<Vec<Block>>,
    tools: Vec<ToolOrigin>,
    /// What `max_tokens` was made of.
    limit: &'static str,
    /// What `metadata` was made of.
    user: &'static str,
    /// Members of `anthropic`.
    over: Vec<String>,
}

impl Places {
    /// The places of a request in this dialect whose limit and user come from these members.
    pub(crate) fn of(
        request: &Request<'_>,
        words: &'static dyn Words,
        limit: &'static str,
        user: &'static str,
    ) -> Self {
        let blocks = |blocks: &[Placed<'_>]| blocks.iter().map(|block| Block::of(block, words)).collect();
        Self {
            words,
            system: blocks(&request.system),
            turns: request.messages.iter().map(|turn| blocks(&turn.content)).collect(),
            tools: request.tools.iter().map(AnyTool::origin).collect(),
            limit,
            user,
            over: request.over.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// The error as it concerns the caller's request: its path, also in front of its message, is the caller's.
    #[must_use]
    pub fn error(&self, error: ApiError) -> ApiError {
        if let Some(names) = ignored::names_told(&error)
            && let Err(error) = ignored::refused(&self.names(names))
        {
            return error;
        }
        let Some(path) = error.path.as_deref() else { return error };
        let Some(own) = self.path(path) else { return error };
        let message = match error.message.strip_prefix(path).filter(|rest| rest.starts_with(':')) {
            Some(rest) => format!("{own}{rest}"),
            None => error.message.clone(),
        };
        ApiError { path: Some(own), message, ..error }
    }

    /// Names of ignored fields as the caller's request has them, each once.
    #[must_use]
    pub fn names(&self, names: Vec<String>) -> Vec<String> {
        let mut told = Ignored::default();
        names.into_iter().for_each(|name| told.note(&self.path(&name).unwrap_or(name)));
        told.names()
    }

    /// The caller's path of what stands at `path` in the Messages request; `None` where it is the same or not known.
    pub(crate) fn path(&self, path: &str) -> Option<String> {
        let (member, rest) = split_member(path);
        if self.over.iter().any(|name| name == member) {
            return Some(format!("anthropic.{path}"));
        }
        match member {
            "messages" => self.in_messages(rest),
            "system" => {
                let (index, rest) = split_index(rest)?;
                self.system.get(index)?.path(self.words, rest)
            }
            "tools" => {
                let (index, rest) = split_index(rest)?;
                self.words.tool(*self.tools.get(index)?, rest)
            }
            "tool_choice" => self.words.tool_choice(&self.tools, rest).map(str::to_owned),
            "max_tokens" => Some(self.limit.to_owned()),
            "metadata" => Some(self.user.to_owned()),
            _ => self.words.setting(member, rest),
        }
    }

    fn in_messages(&self, rest: &str) -> Option<String> {
        let Some((index, rest)) = split_index(rest) else { return self.one_member() };
        let turn = self.turns.get(index)?;
        if let Some((block, rest)) = rest.strip_prefix(".content").and_then(split_index) {
            return turn.get(block)?.path(self.words, rest);
        }
        // Of neighbours that were joined the last one counts: what follows a turn depends on it.
        turn.iter().rev().find_map(|block| match block.origin.place {
            Place::Made => None,
            Place::Said(index) => Some(format!("{}[{index}]{rest}", self.words.said())),
            Place::Named(name) => Some(name.to_owned()),
        })
    }

    /// The member that says all there is, as `prompt` does; a list goes by its own name.
    fn one_member(&self) -> Option<String> {
        match self.turns.first()?.first()?.origin.place {
            Place::Named(name) => Some(name.to_owned()),
            Place::Made | Place::Said(_) => Some(self.words.said().to_owned()),
        }
    }
}

impl Block {
    fn of(placed: &Placed<'_>, words: &dyn Words) -> Self {
        let within = placed.block.within().iter().map(|block| Self::of(block, words)).collect();
        Self { source: words.source(&placed.block), origin: placed.origin, within }
    }

    /// The caller's path of `rest`, which stands below this block.
    fn path(&self, words: &dyn Words, rest: &str) -> Option<String> {
        self.path_in(words, "content", rest)
    }

    /// The same for a block of what stands in the member `content`.
    fn path_in(&self, words: &dyn Words, content: &str, rest: &str) -> Option<String> {
        let mut path = match self.origin.place {
            Place::Made => return None,
            Place::Named(name) => return Some(name.to_owned()),
            Place::Said(index) => format!("{}[{index}]", words.said()),
        };
        // Writing to a string can't fail.
        let _ = match self.origin.member {
            Member::Whole => return self.in_result(words, path, rest),
            Member::Content => write!(path, ".{content}"),
            Member::Part(index) => {
                let rest = match rest {
                    ".title" => words.title(),
                    _ if rest.starts_with(".source") => self.source,
                    _ => rest,
                };
                write!(path, ".{content}[{index}]{rest}")
            }
            member => write!(path, "{}", words.below(member, rest).unwrap_or_default()),
        };
        Some(path)
    }

    fn in_result(&self, words: &dyn Words, path: String, rest: &str) -> Option<String> {
        if let Some(below) = rest.strip_prefix(".content") {
            let Some((index, rest)) = split_index(below) else {
                return Some(format!("{path}.{}", words.output()));
            };
            return self.within.get(index)?.path_in(words, words.output(), rest);
        }
        Some(if rest == ".tool_use_id" { format!("{path}.{}", words.call_id()) } else { path + rest })
    }
}

/// `messages[0].role` → `messages`, `[0].role`.
fn split_member(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// `[12].role` → 12, `.role`.
fn split_index(rest: &str) -> Option<(usize, &str)> {
    let (index, rest) = rest.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}
