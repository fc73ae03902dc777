//! What a caller says about answers from the cache.
//! <https://www.rfc-editor.org/rfc/rfc9111#name-request-directives>

use std::time::Duration;

/// Which answers a caller takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// `no-store`: none from the cache, and its own shall not get into it.
    pub no_store: bool,
    /// `no-cache`: one of its own, which others may have later.
    pub no_cache: bool,
    /// `max-age`: the oldest.
    pub max_age: Option<Duration>,
}

impl Freshness {
    /// Reads the values of `cache-control`; what is not known there has no effect, as the standard wants it.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut freshness = Self::default();
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => freshness.no_store = true,
                "no-cache" => freshness.no_cache = true,
                "max-age" => {
                    // One that can't be read counts as the shortest.
                    let seconds = argument.trim().trim_matches('"').parse().unwrap_or(0);
                    freshness.max_age = Some(Duration::from_secs(seconds));
                }
                _ => {}
            }
        }
        freshness
    }

    /// Whether an answer of this age will do.
    #[must_use]
    pub fn takes(&self, age: Duration) -> bool {
        !self.no_store && !self.no_cache && self.max_age.is_none_or(|oldest| age <= oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Freshness {
        Freshness::of(std::iter::once(value))
    }

    #[test]
    fn directives_are_read_in_any_spelling() {
        assert_eq!(of(""), Freshness::default());
        assert_eq!(of("max-stale=5, unknown"), Freshness::default());
        assert!(of("max-age=60, NO-Store").no_store);
        assert!(of(" no-cache ").no_cache);
        assert_eq!(of("max-age=\"60\"").max_age, Some(Duration::from_secs(60)));
        assert_eq!(of("max-age=soon").max_age, Some(Duration::ZERO));
    }

    #[test]
    fn an_answer_is_taken_up_to_the_age_that_the_caller_names() {
        let minute = Duration::from_secs(60);
        assert!(of("").takes(minute) && of("max-age=60").takes(minute));
        assert!(
            !of("max-age=59").takes(minute) && !of("no-cache").takes(minute) && !of("no-store").takes(minute)
        );
    }
}
