//! The Messages API on Amazon Bedrock.

mod settings;

pub use settings::{AwsCredentials, BedrockSettings};
