//! Where in the caller's request the parts of the Messages request come from.

use messages::json::Path;

/// Where in the request a block comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `messages[n]`; none for what the translation made up.
    pub(crate) message: Option<usize>,
    pub(crate) member: Member,
}

/// What of a message became the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Member {
    /// The message as a whole: the result of a call.
    #[default]
    Whole,
    /// `content` as a text.
    Content,
    /// `content[n]`.
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
}

/// Where in the request a tool comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolOrigin {
    /// The translation made it up.
    #[default]
    Made,
    /// `tools[n].function`.
    Function(usize),
    /// `tools[n].custom`.
    Custom(usize),
    /// `functions[n]`.
    Legacy(usize),
}

impl Origin {
    /// What is at `at` in the request, or below it.
    pub(crate) fn at(at: &Path<'_>, member: Member) -> Self {
        Self { message: message_of(at), member }
    }
}

fn message_of(at: &Path<'_>) -> Option<usize> {
    match at {
        Path::Root => None,
        Path::Index(Path::Key(Path::Root, "messages"), index) => Some(*index),
        Path::Key(parent, _) | Path::Index(parent, _) => message_of(parent),
    }
}
