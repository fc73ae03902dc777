//! A credential that can't be shown by accident: `Debug`, `Display` and `Serialize` all print `***`.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// What stands for a secret wherever a configuration is shown.
pub const REDACTED: &str = "***";

/// A secret text. [`Secret::expose`] is the only way to its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(Arc::from(text.as_ref()))
    }

    /// The content. Call it where the secret is put to use, never to show it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_by_any_formatting() {
        let secret = Secret::new("sk-ant-very-secret");
        let shown = format!("{secret:?} {secret} {:?}", Some(&secret));
        assert_eq!(shown, "*** *** Some(***)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "sk-ant-very-secret");
    }
}
