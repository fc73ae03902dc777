//! Patterns of model names: `*` stands for any text, `?` for one character. Of several that fit, the one with the most
//! literal characters is meant, so that the order in the file does not matter.

/// How specific a pattern is.
pub(crate) fn literals(pattern: &str) -> usize {
    pattern.chars().filter(|c| !matches!(c, '*' | '?')).count()
}

/// Glob matching that goes back to the last `*` only: time grows with the product of both lengths at
/// worst, never exponentially, because the name comes from a caller.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((star_p, star_n)) => {
                    star = Some((star_p, star_n + 1));
                    p = star_p + 1;
                    n = star_n + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_costs_no_more_than_its_length() {
        assert!(!matches("*a*a*a*a*a*a*a*a*b", &"a".repeat(2000)));
    }
}
