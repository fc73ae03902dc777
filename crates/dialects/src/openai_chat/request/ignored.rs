//! Parameters that are accepted without effect. They are named to the caller, or refused in strict mode.

use messages::ApiError;
use messages::json::Members;

/// How many names are kept; a header has to hold them.
const MOST_NAMES: usize = 40;
const LONGEST_NAME: usize = 64;

/// The names gathered so far, each once.
#[derive(Debug, Default)]
pub(super) struct Ignored(Vec<String>);

impl Ignored {
    /// Notes a parameter: `seed`, `messages.name`.
    pub(super) fn note(&mut self, name: &str) {
        if self.0.len() < MOST_NAMES && !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }

    /// Notes whatever the translation did not take.
    pub(super) fn rest_of(&mut self, fields: Members<'_>) {
        self.rest(fields, "");
    }

    /// The same for an object below the root; `place` has no indices: `messages.tool_calls`.
    pub(super) fn rest_below(&mut self, fields: Members<'_>, place: &str) {
        self.rest(fields, &format!("{place}."));
    }

    fn rest(&mut self, fields: Members<'_>, prefix: &str) {
        for (name, value) in fields.0 {
            if value.get() != "null" {
                self.note(&format!("{prefix}{}", header_safe(&name)));
            }
        }
    }

    /// In strict mode the first of them is a 400.
    pub(super) fn refuse_if(&self, strict: bool) -> Result<(), ApiError> {
        match self.0.first() {
            Some(name) if strict => Err(ApiError::invalid(name, "has no effect, and strict mode is on")
                .with_code("unsupported_parameter")),
            _ => Ok(()),
        }
    }

    pub(super) fn names(self) -> Vec<String> {
        self.0
    }
}

/// A caller's own member name as it may stand in a header's list.
fn header_safe(name: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    name.chars().map(|letter| if safe(letter) { letter } else { '?' }).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_a_header_whatever_the_caller_calls_them() {
        let json = r#"{"a\r\nset-cookie: x":1,"é,":2,"seed":3,"gone":null,"seed":4}"#;
        let mut ignored = Ignored::default();
        ignored.rest_of(serde_json::from_str(json).unwrap());
        assert_eq!(ignored.names(), ["a??set-cookie??x", "??", "seed"]);
    }

    #[test]
    fn a_flood_of_names_is_cut() {
        let json = (0..1000).map(|n| format!("\"x{n}\":0")).collect::<Vec<_>>().join(",");
        let mut ignored = Ignored::default();
        ignored.rest_of(serde_json::from_str(&format!("{{{json}}}")).unwrap());
        assert_eq!(ignored.names().len(), MOST_NAMES);
    }
}
