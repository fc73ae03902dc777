//! Sampling and stop sequences, less what the model refuses.

use std::borrow::Cow;

use messages::json::{self, Members, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::ROOT;
use crate::models::{Rules, Sampling};

/// What is left of the caller's wishes.
pub(crate) struct Settings<'a> {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop_sequences: Vec<Cow<'a, str>>,
}

impl Settings<'_> {
    /// Leaves all sampling to the model.
    pub(crate) fn drop_all(&mut self, ignored: &mut Ignored) {
        if self.temperature.take().is_some() {
            ignored.note("temperature");
        }
        if self.top_p.take().is_some() {
            ignored.note("top_p");
        }
    }
}

/// Reads `temperature`, `top_p` and `stop`.
pub(crate) fn read<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    ignored: &mut Ignored,
) -> Result<Settings<'a>, ApiError> {
    let mut temperature = number(fields, "temperature", 2.0)?;
    let mut top_p = number(fields, "top_p", 1.0)?;
    if rules.sampling == Sampling::Refused && temperature.take().is_some() {
        ignored.note("temperature");
    }
    let drops_top_p = match rules.sampling {
        Sampling::Free => false,
        Sampling::One => temperature.is_some(),
        Sampling::Refused => true,
    };
    if drops_top_p && top_p.take().is_some() {
        ignored.note("top_p");
    }
    Ok(Settings { temperature, top_p, stop_sequences: stop_sequences(fields, ignored)? })
}

/// A number from 0 to `most`, which OpenAI allows, cut to 1, which the API allows.
fn number(fields: &mut Members<'_>, key: &str, most: f64) -> Result<Option<f64>, ApiError> {
    match fields.optional::<f64>(key, &ROOT)? {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(ApiError::invalid(key, format!("must be between 0 and {most}")))
        }
        found => Ok(found.map(|value| value.min(1.0))),
    }
}

fn stop_sequences<'a>(
    fields: &mut Members<'a>,
    ignored: &mut Ignored,
) -> Result<Vec<Cow<'a, str>>, ApiError> {
    let Some(raw) = fields.take("stop") else { return Ok(Vec::new()) };
    let given = stop_list(raw)?;
    let count = given.len();
    // The API refuses blank ones.
    let kept: Vec<_> = given.into_iter().map(|text| text.0).filter(|text| !text.trim().is_empty()).collect();
    if kept.len() < count {
        ignored.note("stop");
    }
    Ok(kept)
}

fn stop_list(raw: &RawValue) -> Result<Vec<Text<'_>>, ApiError> {
    let at = ROOT.key("stop");
    match raw.get().as_bytes().first() {
        Some(b'"') => json::read(raw.get(), &at).map(|text| vec![text]),
        Some(b'[') => json::read(raw.get(), &at),
        _ => Err(at.invalid("must be a string or an array of strings")),
    }
}
