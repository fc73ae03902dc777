//! The part of an address behind `?`.

use std::borrow::Cow;

use http::request::Parts;
use messages::ApiError;
use percent_encoding::percent_decode_str;

/// Names and values. What is not known is not looked at.
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self(parts.uri.query().unwrap_or_default())
    }

    /// The value of this name; an empty one is none.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(percent_decode_str(value).decode_utf8_lossy()).filter(|value| !value.is_empty())
    }

    /// A whole number from 0 on.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let number = self.text(name).map(|value| value.parse());
        number.transpose().map_err(|_| ApiError::invalid(name, "must be a whole number from 0 on"))
    }

    /// True or false; false when it is not there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name).as_deref() {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid(name, "must be true or false")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_name_and_checked() {
        let query = Query("include%5B%5D=x&limit=7&after=a%2Fb&order=&stream=true&starting_after=-1&y=maybe");
        assert_eq!(query.number("limit").unwrap(), Some(7));
        assert_eq!(query.text("after").as_deref(), Some("a/b"));
        assert_eq!(query.text("order"), None);
        assert_eq!(query.number("starting_after").unwrap_err().path.as_deref(), Some("starting_after"));
        assert!(query.flag("stream").unwrap() && !query.flag("include").unwrap());
        assert_eq!(query.flag("y").unwrap_err().status, 400);
    }
}
