//! JSON bodies as bytes: [`peek`] reads chosen members, [`edit`] changes them, both without a value tree.

pub mod edit;
mod malformed;
mod members;
pub mod peek;

pub use malformed::Malformed;
