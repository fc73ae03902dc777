//! Which backends serve a model, and in which order they are asked. Pure, and nothing is remembered: every instance of
//! this server sends the same conversation to the same backend, whose prompt cache and thinking signatures then hold.

mod affinity;
mod table;

pub use affinity::Affinity;
pub use table::{Route, Routes, Target};
