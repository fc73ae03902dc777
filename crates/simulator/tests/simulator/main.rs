//! The simulator seen from outside, over real connections.

mod checks;
mod client;
mod control;
mod endings;
mod program;
mod turns;
