//! Pure translation between an API dialect and the Messages API: bytes in, bytes out.
//!
//! No I/O, no async. A request is read through borrowed views and written once, so that an image's base64 is copied
//! once; what a dialect asks for and Claude has not is refused by name or listed as ignored, never silently lost.

pub mod anthropic;
pub mod bedrock;
pub mod cloud;
pub mod models;
mod openai;
pub mod openai_chat;
pub mod openai_responses;
pub mod vertex;

pub use openai::Places;
