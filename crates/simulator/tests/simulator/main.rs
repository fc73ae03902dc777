//! The simulator seen from outside, over real connections.
#![cfg(test)]

mod checks;
mod client;
mod clouds;
mod control;
mod endings;
mod endpoints;
mod program;
mod turns;
