//! What the API taught: sampling parameters that a model turned out to refuse. The table of models knows most of them;
//! for those that came after it, the API's own refusal is believed, for as long as this process lives.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use messages::ApiError;
use wire::json::{Malformed, edit::Edit, peek};

use crate::pipeline::malformed;

const FIELDS: [&str; 3] = ["temperature", "top_p", "top_k"];
/// Far more models than there are; the names come from callers.
const MOST_MODELS: usize = 256;

/// The parameters that models refuse, by the model's name.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, BTreeSet<&'static str>>>);

impl Refusals {
    /// The request without what its model is known to refuse, and the names of what is left out.
    pub(crate) fn strip(&self, model: &str, body: Bytes) -> Result<(Bytes, Vec<&'static str>), Malformed> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(model).cloned();
        let Some(known) = known else { return Ok((body, Vec::new())) };
        let refused: Vec<_> = given(&body)?.into_iter().filter(|field| known.contains(field)).collect();
        Ok((without(&body, &refused)?, refused))
    }

    /// [`Self::strip`], the names added to those that are told; in strict mode they are the caller's to leave out.
    ///
    /// # Errors
    /// In strict mode, when there are any.
    pub(crate) fn apply(
        &self,
        model: &str,
        body: Bytes,
        strict: bool,
        ignored: &mut Vec<String>,
    ) -> Result<Bytes, ApiError> {
        let (body, refused) = self.strip(model, body).map_err(|error| malformed(&error))?;
        if let Some(field) = refused.first().filter(|_| strict) {
            return Err(
                ApiError::invalid(*field, "this model does not take it").with_code("unsupported_parameter")
            );
        }
        ignored.extend(refused.into_iter().map(str::to_owned));
        Ok(body)
    }

    /// Learns from an error of the API. The parameter to leave out, if it was about one that the request has.
    pub(crate) fn learn(&self, model: &str, body: &Bytes, error: &ApiError) -> Option<&'static str> {
        let field = refused_field(error, &given(body).ok()?)?;
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if models.len() < MOST_MODELS || models.contains_key(model) {
            models.entry(model.to_owned()).or_default().insert(field);
        }
        Some(field)
    }
}

/// The request without these parameters.
pub(crate) fn without(body: &Bytes, fields: &[&'static str]) -> Result<Bytes, Malformed> {
    fields.iter().fold(Edit::new(body), |edit, field| edit.remove(field)).finish()
}

fn given(body: &Bytes) -> Result<Vec<&'static str>, Malformed> {
    let found = peek::members(body, FIELDS)?;
    Ok(FIELDS.into_iter().zip(found).filter_map(|(field, value)| value.map(|_| field)).collect())
}

/// What holds for the model as such; a refusal that comes of the request's other fields is no rule.
fn refused_field(error: &ApiError, given: &[&'static str]) -> Option<&'static str> {
    let told = &error.message;
    if error.status != 400 || !told.contains("this model") {
        return None;
    }
    let named: Vec<_> = given.iter().copied().filter(|field| told.contains(&format!("`{field}`"))).collect();
    // Of two that exclude each other the first one stays.
    if told.contains("cannot both") { named.get(1).copied() } else { named.first().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::ErrorKind;

    fn error(message: &str) -> ApiError {
        ApiError::new(ErrorKind::InvalidRequest, message).with_status(400)
    }

    #[test]
    fn a_refused_parameter_is_left_out_from_then_on_for_that_model_alone() {
        let body = Bytes::from_static(br#"{"model":"m","temperature":0.5,"top_p":0.9}"#);
        let refusals = Refusals::default();
        assert_eq!(refusals.strip("m", body.clone()).unwrap(), (body.clone(), vec![]));
        let refused = error("`temperature` is deprecated for this model.");
        assert_eq!(refusals.learn("m", &body, &refused), Some("temperature"));
        let both =
            error("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
        assert_eq!(refusals.learn("n", &body, &both), Some("top_p"));
        let (stripped, names) = refusals.strip("m", body.clone()).unwrap();
        assert_eq!((&stripped[..], names), (&br#"{"model":"m","top_p":0.9}"#[..], vec!["temperature"]));
        assert_eq!(refusals.strip("n", body).unwrap().1, ["top_p"]);
    }

    #[test]
    fn other_complaints_teach_nothing() {
        let body = Bytes::from_static(br#"{"temperature":0.5}"#);
        let refusals = Refusals::default();
        for told in [
            "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.",
            "`top_p` is deprecated for this model.",
            "This model does not support the effort parameter.",
        ] {
            assert_eq!(refusals.learn("m", &body, &error(told)), None, "{told}");
        }
        let overloaded = ApiError::new(ErrorKind::Overloaded, "`temperature` this model");
        assert_eq!(refusals.learn("m", &body, &overloaded), None);
    }
}
