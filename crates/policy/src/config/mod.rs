//! Configuration in two steps: what was typed (flags, environment, file), then what it means.
//!
//! Every source is laid out as the same tree of keys, checked against one schema, and merged with the
//! precedence *flags, `CCP_…` variables, `HOST`/`PORT`/`LOG_LEVEL`, file, defaults*. Nothing is read
//! from the process itself: the environment is handed in.

mod aliases;
mod check;
mod choice;
mod environment;
mod error;
mod layer;
mod lookup;
mod nearest;
mod operator;
mod origin;
mod raw;
mod reference;
mod reload;
mod resolve;
mod resolved;
mod schema;
mod seconds;
mod secret;
mod show;
mod source;

pub use aliases::Aliases;
pub use choice::{Backend, Credentials, LogFormat, LogLevel, PermissionMode};
pub use error::{ConfigError, Problem};
pub use operator::{ACCOUNT_NOTICE, issued_keys_refused};
pub use origin::{Origin, Origins};
pub use reference::reference;
pub use resolved::{
    Admin, Anthropic, Auth, Bedrock, Cache, Claude, ClaudeCode, Config, Logging, Metrics, OpenAi,
    RateLimiting, Routing, Server, Upstream, Usage, Vertex,
};
pub use schema::schema;
pub use secret::{REDACTED, Secret};
pub use show::{Setting, redacted};
pub use source::{Environment, Flag, Loaded, Sources, load, parse};

#[cfg(test)]
mod mistake_tests;
