//! The shapes of single fields, with the API's prose for what is wrong with them.

use super::{Flaw, Object};
use serde_json::Value;

pub(super) const REQUIRED: &str = "Field required";
pub(super) const EXTRA: &str = "Extra inputs are not permitted";

/// Refuses members that are not in the list.
pub(super) fn only(object: &Object, known: &[&str]) -> Result<(), Flaw> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Flaw::at(name, EXTRA)),
        None => Ok(()),
    }
}

pub(super) fn required<'a>(object: &'a Object, name: &str) -> Result<&'a Value, Flaw> {
    object.get(name).ok_or_else(|| Flaw::at(name, REQUIRED))
}

pub(super) fn string<'a>(object: &'a Object, name: &str) -> Result<&'a str, Flaw> {
    required(object, name)?.as_str().ok_or_else(|| Flaw::at(name, "Input should be a valid string"))
}

pub(super) fn object(value: &Value) -> Result<&Object, Flaw> {
    value.as_object().ok_or_else(|| Flaw::here("Input should be an object"))
}

pub(super) fn list(value: &Value) -> Result<&[Value], Flaw> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Flaw::here("Input should be a valid list"))
}

pub(super) fn boolean(value: &Value) -> Result<(), Flaw> {
    value.is_boolean().then_some(()).ok_or_else(|| Flaw::here("Input should be a valid boolean"))
}

/// A whole number of at least `least`.
pub(super) fn integer(value: &Value, least: i64) -> Result<i64, Flaw> {
    let Some(number) = value.as_i64() else {
        return Err(Flaw::here("Input should be a valid integer"));
    };
    if number < least {
        return Err(Flaw::here(format!("Input should be greater than or equal to {least}")));
    }
    Ok(number)
}

/// A number from 0 to 1.
pub(super) fn share(value: &Value) -> Result<(), Flaw> {
    match value.as_f64() {
        None => Err(Flaw::here("Input should be a valid number")),
        Some(number) if number < 0.0 => Err(Flaw::here("Input should be greater than or equal to 0")),
        Some(number) if number > 1.0 => Err(Flaw::here("Input should be less than or equal to 1")),
        Some(_) => Ok(()),
    }
}

/// One of a few strings.
pub(super) fn one_of(value: &Value, options: &[&str]) -> Result<(), Flaw> {
    if value.as_str().is_some_and(|text| options.contains(&text)) {
        return Ok(());
    }
    Err(Flaw::here(format!("Input should be {}", quoted(options, " or "))))
}

/// `'a', 'b' or 'c'`.
pub(super) fn quoted(options: &[&str], last: &str) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("'{option}'")).collect();
    match quoted.split_last() {
        Some((end, start)) if !start.is_empty() => format!("{}{last}{end}", start.join(", ")),
        _ => quoted.concat(),
    }
}

/// The prose for a `type` that no variant has.
pub(super) fn unknown_tag(tag: &str, options: &[&str]) -> Flaw {
    let expected = quoted(options, ", ");
    Flaw::here(format!(
        "Input tag '{tag}' found using 'type' does not match any of the expected tags: {expected}"
    ))
}
