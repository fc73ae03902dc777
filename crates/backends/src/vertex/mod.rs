//! The Messages API on Google Cloud's Vertex AI.

mod settings;

pub use settings::{GoogleCredentials, VertexSettings};
