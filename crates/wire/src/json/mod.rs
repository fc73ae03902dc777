//! JSON bodies as bytes: [`peek`] reads chosen members, [`edit`] changes them, both without a value tree; [`canonical`]
//! tells whether two say the same.

mod canonical;
pub mod edit;
mod malformed;
mod members;
pub mod peek;

pub use canonical::canonical;
pub use malformed::Malformed;
