//! An agent behind the API: the operator lets the program use some of its built-in tools. Off by default, and never a
//! request's to decide.
//!
//! A turn may then take several calls upstream. The caller sees one answer: the texts and the calls of its own tools of
//! all of them, usage added up, the last one's stop reason. What the built-in tools do is told in events of their own
//! ([`EVENT`]), which no official client mistakes for part of the answer.

mod activity;
mod built_in;
mod merge;
mod permissions;
mod prompts;
mod turn;
mod usage;

pub use activity::EVENT;
pub use built_in::{BuiltIn, PermissionMode};
pub use permissions::{Decision, PermissionEvent, PermissionEvents, Permissions, UnknownPrompt};
pub(crate) use prompts::Agent;
