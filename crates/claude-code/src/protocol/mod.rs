//! The lines of the program's stream-json protocol: what goes in and what comes out. No I/O.

pub(crate) mod agent;
mod incoming;
mod outgoing;

pub(crate) use incoming::{Incoming, Note, TurnResult};
pub(crate) use outgoing::{
    Control, assistant_line, assistant_message, control_line, mcp_answer_line, user_line,
};
