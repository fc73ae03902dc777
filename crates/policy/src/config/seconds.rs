//! Times are typed as seconds, whole or not.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A week: longer than any wait here can make sense, and far from overflowing a clock.
const LONGEST: u32 = 604_800;

/// A time that may be zero.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Seconds(f64);

/// A time above zero.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct PositiveSeconds(f64);

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs_f64(seconds.0.clamp(0.0, f64::from(LONGEST)))
    }
}

impl From<PositiveSeconds> for Duration {
    fn from(seconds: PositiveSeconds) -> Self {
        Self::from(Seconds(seconds.0))
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0, "maximum": LONGEST, "x-unit": "seconds"})
    }
}

impl JsonSchema for PositiveSeconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PositiveSeconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0.001, "maximum": LONGEST, "x-unit": "seconds"})
    }
}
