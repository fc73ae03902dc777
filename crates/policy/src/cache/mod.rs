//! When two requests have the same answer, and whether their callers want it.

mod control;
mod key;

pub use control::Freshness;
pub use key::{Key, KeyHasher};
