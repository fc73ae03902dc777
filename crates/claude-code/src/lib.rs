//! Drives the official `claude` program over its stdio protocol and makes a Messages API turn of it.
//!
//! Knows nothing of HTTP: Messages request bytes go in, raw Messages stream events come out. Keeps the promise that
//! no field of a request reaches the program's command line, environment, directory or permissions (but for the model's
//! name, checked), and that a turn which is given up leaves no process, descriptor or file behind.

mod account;
mod argv;
mod counts;
mod driver;
mod env;
mod errors;
mod history;
mod parameters;
mod probe;
mod process;
mod program;
mod protocol;
mod relay;
mod scratch;
mod session;
mod settings;
mod spawner;
mod stderr;
mod stream;
mod supervise;
mod tokens;
mod turn;

pub use account::AuthStatus;
pub use counts::ProcessCounts;
pub use driver::Driver;
pub use errors::TurnError;
pub use program::{MINIMUM_VERSION, ProgramError, TESTED_VERSION, Version, find_program};
pub use settings::{Credentials, OperatorEnvironment, Settings, SetupError};
pub use stream::TurnStream;
pub use turn::Turn;
