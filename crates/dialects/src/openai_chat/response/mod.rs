//! Answers of the Messages API as chat completions and legacy completions, whole or in chunks.

mod annotation;
mod answer;
mod choices;
mod chunk;
mod chunks;
mod shape;

use std::sync::Arc;

use super::Shape;

pub use answer::encode_answers;
pub use choices::ChoicesEncoder;

/// What all choices of an answer have in common.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The model as the caller named it.
    pub asked_model: String,
    /// Seconds since 1970.
    pub created: u64,
    /// Whether a stream ends with a usage chunk.
    pub include_usage: bool,
    /// What the answer is turned back to.
    pub shape: Arc<Shape>,
}
