//! Drives the official `claude` program over its stdio protocol and makes a Messages API turn of it.
//!
//! Knows nothing of HTTP: Messages request bytes go in, raw Messages stream events come out. Keeps the promise that
//! no field of a request reaches the program's command line, environment, directory or permissions (but for the model's
//! name, checked), and that a turn which is given up leaves no process, descriptor or file behind.
//!
//! # A conversation in processes
//! A process serves one conversation. A turn's process is, in this order,
//! - the one that has heard exactly what the request brings before its last message (known by a chain of hashes over
//!   model, system prompt, tools and messages): only the last message is sent. Two requests never get the same one.
//! - a spare or a new one, which is told the whole history first; a long history is written to a file that a new one is
//!   started with ([`Settings::resume_from_turns`]).
//!
//! After its answer the process waits for [`Settings::idle_time`]. Waiting processes take places among
//! [`Settings::max_processes`] until a request needs them: the oldest idle one goes first, then the oldest that holds
//! calls. One that is gone is not missed: the same request is then served from its history.
//!
//! # The caller's tools
//! The program is told of them as of an MCP server in this process, under names with `mcp__client__` before them (long
//! ones end in a hash), which the caller never sees. When the model calls tools the answer ends, and the program waits
//! for its calls' results for [`Settings::hold_time`]; a request that brings just those results goes on with them
//! without a further call upstream. Results that would arrive changed (blank ones, failed ones of several parts, documents,
//! more than 400,000 bytes) and text beside them are told to another process. Upstream the tools are in order of their
//! names, numbers in schemas are as precise as JavaScript's, and `anyOf`, `oneOf`, `allOf` at a schema's top, which the
//! API refuses, are flattened by the program (and named in [`Turn::ignored`]). Tools of the API's own are a 400.
//!
//! # Built-in tools
//! The program has none, unless the operator allows some ([`BuiltIn`]): then a turn goes on upstream until the program
//! says that it is over, or calls a tool of the caller's.

mod account;
mod account_windows;
mod address;
mod agent;
mod argv;
mod content;
mod conversation;
mod cost;
mod counts;
mod driver;
mod env;
mod errors;
mod going_on;
mod history;
mod instance;
mod kept;
mod kin;
mod parameters;
mod pool;
mod probe;
mod process;
mod program;
mod protocol;
mod relay;
mod reported_models;
mod scratch;
mod session;
mod settings;
mod spawner;
mod stderr;
mod stream;
mod supervise;
mod tokens;
mod tools;
mod transcript;
mod turn;

pub use account::AuthStatus;
pub use account_windows::{AccountWindow, AccountWindows};
pub use agent::{
    BuiltIn, Decision, EVENT as AGENT_EVENT, PermissionEvent, PermissionEvents, PermissionMode, Permissions,
    UnknownPrompt,
};
pub use cost::Cost;
pub use counts::{ProcessCounts, TurnCounts};
pub use driver::Driver;
pub use errors::TurnError;
pub use instance::scratch_root;
pub use program::{MINIMUM_VERSION, ProgramError, TESTED_VERSION, Version, find_program};
pub use reported_models::{ReportedModel, ReportedModels};
pub use settings::{Credentials, OperatorEnvironment, Settings, SetupError, Spares};
pub use stream::TurnStream;
pub use turn::Turn;
