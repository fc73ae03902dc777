//! Who may call. Everything here is a pure function of the request's head and the configuration.

mod address;
mod gate;
mod local;

pub use address::{Network, NetworkError, client_address};
pub use gate::{Caller, Denied, DeniedKind, Gate, Identity};
