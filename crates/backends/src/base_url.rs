//! Where an API is: a URL whose path, if it has one, stands before every path of the API.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::BackendError;

/// An http(s) address with an optional path as a prefix.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl BaseUrl {
    /// `None` when this is no http(s) URL.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let parts = url.parse::<Uri>().ok()?.into_parts();
        let scheme = parts.scheme.filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)?;
        let prefix =
            parts.path_and_query.as_ref().map_or("", |path| path.path()).trim_end_matches('/').to_owned();
        Some(Self { scheme, authority: parts.authority?, prefix })
    }

    /// The address of `path`, which begins with `/`.
    ///
    /// # Errors
    /// A 400 when the two cannot stand in a URL: they come from the caller.
    pub(crate) fn join(&self, path: &str, query: Option<&str>) -> Result<Uri, BackendError> {
        let target = match query {
            Some(query) => format!("{}{path}?{query}", self.prefix),
            None => format!("{}{path}", self.prefix),
        };
        let target = PathAndQuery::try_from(target).map_err(|error| bad_request(&error))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|error| bad_request(&error))
    }
}

/// The caller's path or query cannot be sent on.
fn bad_request(error: &dyn std::fmt::Display) -> BackendError {
    let message = format!("The request's URL cannot be forwarded: {error}.");
    messages::ApiError::new(messages::ErrorKind::InvalidRequest, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_urls_path_is_a_prefix() {
        let base = BaseUrl::parse("https://gateway.test/team/").unwrap();
        let uri = base.join("/v1/messages", Some("beta=true")).unwrap();
        assert_eq!(uri.to_string(), "https://gateway.test/team/v1/messages?beta=true");
    }

    #[test]
    fn only_an_http_url_is_one() {
        for text in ["localhost:8080", "ftp://x/", "", "/v1", "https://"] {
            assert!(BaseUrl::parse(text).is_none(), "{text}");
        }
    }
}
