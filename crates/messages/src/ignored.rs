//! Parameters that are accepted without effect. They are named to the caller, or refused in strict mode.

use crate::ApiError;
use crate::json::{Members, Path};

/// How many names are kept; a header has to hold them.
const MOST_NAMES: usize = 40;
const LONGEST_NAME: usize = 64;
/// Before the names that strict mode tells when there are several.
const ALL: &str = " (all such fields: ";

/// The names gathered so far, each once, whatever a caller calls his fields: safe in a header.
#[derive(Debug, Default)]
pub struct Ignored(Vec<String>);

impl Ignored {
    /// Notes a parameter: `seed`, `messages.name`.
    pub fn note(&mut self, name: &str) {
        let name = header_safe(name);
        if self.0.len() < MOST_NAMES && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// Notes what stands at `at`: `tools[0].strict`.
    pub fn note_at(&mut self, at: &Path<'_>) {
        self.note(&at.to_string());
    }

    /// Notes whatever was not taken out of these; `null` counts as absent.
    pub fn rest_of(&mut self, fields: Members<'_>) {
        self.rest(fields, "");
    }

    /// The same for an object below the root; `place` has no indices: `messages.tool_calls`.
    pub fn rest_below(&mut self, fields: Members<'_>, place: &str) {
        self.rest(fields, &format!("{place}."));
    }

    fn rest(&mut self, fields: Members<'_>, prefix: &str) {
        for (name, value) in fields.0 {
            if value.get() != "null" {
                self.note(&format!("{prefix}{name}"));
            }
        }
    }

    /// In strict mode any of them is a 400.
    pub fn refuse_if(&self, strict: bool) -> Result<(), ApiError> {
        if strict { refused(&self.0) } else { Ok(()) }
    }

    /// All of them.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        self.0
    }
}

/// Strict mode: the first of these names is the path of the 400, all are told.
///
/// # Errors
/// When there is any.
pub fn refused(names: &[String]) -> Result<(), ApiError> {
    let Some(first) = names.first() else { return Ok(()) };
    let all = match names {
        [_] => String::new(),
        _ => format!("{ALL}{})", names.join(", ")),
    };
    let told = format!("has no effect, and strict mode is on{all}");
    Err(ApiError::invalid(first, told).with_code("unsupported_parameter"))
}

/// The names in such an error: whoever knows better ones may tell it anew.
#[must_use]
pub fn names_told(error: &ApiError) -> Option<Vec<String>> {
    let (_, list) = error.message.strip_suffix(')')?.split_once(ALL)?;
    Some(list.split(", ").map(str::to_owned).collect())
}

/// A caller's own member name as it may stand in a header's list.
fn header_safe(name: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "_-.[]".contains(letter);
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

    #[test]
    fn strict_mode_names_every_field_and_points_at_the_first() {
        let mut ignored = Ignored::default();
        assert!(ignored.refuse_if(true).is_ok());
        ignored.note_at(&Path::Root.key("tools").index(0).key("strict"));
        ignored.note("seed");
        assert!(ignored.refuse_if(false).is_ok());
        let error = ignored.refuse_if(true).unwrap_err();
        assert_eq!((error.status, error.path.as_deref()), (400, Some("tools[0].strict")));
        assert_eq!(names_told(&error).unwrap(), ["tools[0].strict", "seed"]);
    }
}
