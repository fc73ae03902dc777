//! Answers of the Messages API as chat completions, whole or in chunks.

mod answer;
mod chunk;
mod chunks;
mod compact;
mod shape;

pub use answer::encode_answer;
pub use chunks::ChunkEncoder;
