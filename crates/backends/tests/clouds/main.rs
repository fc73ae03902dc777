//! The backends of clouds over the simulator, which checks signatures and tokens for itself.
#![cfg(test)]

mod bedrock;
mod support;
mod vertex;
