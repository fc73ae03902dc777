//! Where in the caller's request the parts of the Messages request come from.

use messages::json::Path;

/// Where in the request a block comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) place: Place,
    pub(crate) member: Member,
}

/// What of the request it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing: the translation made it up.
    #[default]
    Made,
    /// `messages[n]` or `input[n]`.
    Said(usize),
    /// A member of the request as a whole.
    Named(&'static str),
}

/// What of a message or an item became the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Member {
    /// All of it: the result of a call.
    #[default]
    Whole,
    /// Its content as a text.
    Content,
    /// Its `content[n]`.
    Part(usize),
    /// `refusal`.
    Refusal,
    /// `reasoning_details[n]`.
    Reasoning(usize),
    /// Thinking that was remembered for a call of the message.
    Remembered,
    /// `tool_calls[n]` of a function.
    Call(usize),
    /// `tool_calls[n]` of a custom tool.
    CustomCall(usize),
    /// `function_call`.
    FunctionCall,
    /// A reasoning item.
    Sealed,
    /// An item that is a call; its input stands in this member.
    CallItem(&'static str),
}

/// Where in the request a tool comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolOrigin {
    /// The translation made it up, for the form of the answer.
    #[default]
    Made,
    /// `tools[n]`, a function.
    Function(usize),
    /// `tools[n]`, whose schema is none of the caller's.
    Custom(usize),
    /// `functions[n]`.
    Legacy(usize),
    /// `tools[n].tools[m]`, a function of a namespace.
    Nested(usize, usize),
    /// `tools[n].tools[m]`, whose schema is none of the caller's.
    NestedCustom(usize, usize),
    /// `tools[n]`, which the API serves itself.
    Served(usize),
    /// `web_search_options`.
    Search,
}

impl ToolOrigin {
    /// The function at `at`.
    pub(crate) fn function(at: &Path<'_>) -> Self {
        match tool_at(at) {
            (index, None) => Self::Function(index),
            (index, Some(inner)) => Self::Nested(index, inner),
        }
    }

    /// The tool at `at`, whose schema is none of the caller's.
    pub(crate) fn custom(at: &Path<'_>) -> Self {
        match tool_at(at) {
            (index, None) => Self::Custom(index),
            (index, Some(inner)) => Self::NestedCustom(index, inner),
        }
    }

    /// The tool at `at`, which the API serves itself.
    pub(crate) fn served(at: &Path<'_>) -> Self {
        Self::Served(tool_at(at).0)
    }
}

/// `tools[n]` or `tools[n].tools[m]`.
fn tool_at(at: &Path<'_>) -> (usize, Option<usize>) {
    match at {
        Path::Index(Path::Key(Path::Index(_, index), _), inner) => (*index, Some(*inner)),
        Path::Index(_, index) => (*index, None),
        Path::Root | Path::Key(..) => (0, None),
    }
}

/// The members of a request that hold what was said, as a list or as a whole.
const SAID: [&str; 5] = ["messages", "prompt", "input", "instructions", "previous_response_id"];

impl Origin {
    /// What is at `at` in the request, or below it.
    pub(crate) fn at(at: &Path<'_>, member: Member) -> Self {
        Self { place: place_of(at), member }
    }
}

fn place_of(at: &Path<'_>) -> Place {
    let named = |key: &str| SAID.into_iter().find(|said| *said == key).map_or(Place::Made, Place::Named);
    match at {
        Path::Root => Place::Made,
        Path::Index(Path::Key(Path::Root, "messages" | "input"), index) => Place::Said(*index),
        Path::Key(Path::Root, key) => named(key),
        Path::Key(parent, _) | Path::Index(parent, _) => place_of(parent),
    }
}
