//! Who may do what: configuration, keys, callers, limits, routes. No HTTP types, and nothing read from the
//! process behind the caller's back: environment, clock and directories are handed in.

pub mod access;
pub mod config;
mod glob;
pub mod keys;
pub mod limits;
pub mod route;
