//! Who may do what and what it costs: configuration, keys, callers, limits, routes, prices. No HTTP types, and nothing
//! read from the process behind the caller's back: environment, clock and directories are handed in.

pub mod access;
pub mod cache;
pub mod config;
mod glob;
pub mod keys;
pub mod limits;
pub mod prices;
pub mod route;
