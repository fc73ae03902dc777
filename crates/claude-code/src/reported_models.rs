//! The models that the program offers, as it tells in its reply to `initialize`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// A model as the program offers it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedModel {
    /// What it can be asked for as: `opus`, or its id.
    #[serde(rename = "value")]
    pub name: String,
    /// The id that serves.
    #[serde(rename = "resolvedModel")]
    pub id: String,
    /// Its name for people.
    pub display_name: String,
    /// The degrees of effort that it knows, `low` to `max`.
    #[serde(default, rename = "supportedEffortLevels")]
    pub efforts: Vec<String>,
}

/// What the installed program told last. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReportedModels(Arc<Mutex<Option<Arc<[ReportedModel]>>>>);

#[derive(Deserialize)]
struct ReplyWire {
    models: Vec<serde_json::Value>,
}

impl ReportedModels {
    /// The models, once a process has told them.
    #[must_use]
    pub fn known(&self) -> Option<Arc<[ReportedModel]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in the reply of a process that serves `own`, unless they are known.
    pub(crate) fn learn(&self, reply: &[u8], own: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = read(reply, own);
        }
    }

    /// Another version is installed.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The program lists whatever it was started for as well: that is some caller's word, and nothing known of it.
fn read(reply: &[u8], own: &str) -> Option<Arc<[ReportedModel]>> {
    let reply: ReplyWire = serde_json::from_slice(reply).ok()?;
    let models = reply.models.into_iter().filter_map(|model| serde_json::from_value(model).ok());
    let stands_for_nothing = |model: &ReportedModel| {
        model.name == "default" || (model.name == own && model.display_name == model.name)
    };
    let models: Vec<_> = models.filter(|model| !stands_for_nothing(model)).collect();
    (!models.is_empty()).then(|| models.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = br#"{"models":[
        {"value":"default","resolvedModel":"claude-opus-5-5","displayName":"Default"},
        {"value":"opus","resolvedModel":"claude-opus-5-5","displayName":"Opus","supportedEffortLevels":["low","max"],"new":{}},
        {"value":"odd"},
        {"value":"asked-for","resolvedModel":"asked-for","displayName":"asked-for"}
    ],"account":{"email":"a@b.c"}}"#;

    #[test]
    fn what_is_offered_is_kept_until_another_version_is_there() {
        let models = ReportedModels::default();
        models.learn(b"{}", "asked-for");
        assert_eq!(models.known(), None);
        models.learn(REPLY, "asked-for");
        models.learn(br#"{"models":[]}"#, "asked-for");
        let known = models.known().unwrap();
        let names: Vec<_> = known.iter().map(|model| (&*model.name, &*model.id)).collect();
        assert_eq!(names, [("opus", "claude-opus-5-5")]);
        assert_eq!(known[0].efforts, ["low", "max"]);
        models.forget();
        assert_eq!(models.known(), None);
    }
}
