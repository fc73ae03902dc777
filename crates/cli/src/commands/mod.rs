//! One file per command.

pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod health;
pub(crate) mod keys;
mod reload;
mod sandbox;
pub(crate) mod serve;
mod table;
pub(crate) mod usage;
