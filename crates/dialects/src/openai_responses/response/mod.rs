//! Answers of the Messages API as response objects, whole or event by event.

mod answer;
mod composer;
mod encoder;
mod events;
mod item;
mod message;
mod object;
mod reasoning;
mod served;
mod tool_call;

pub use answer::encode_answer;
pub use encoder::EventEncoder;
pub(super) use object::{Object, ResponseError, Status};
