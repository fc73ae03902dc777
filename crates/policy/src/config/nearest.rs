//! Which known name somebody meant.

/// The candidate that is nearest to what was typed, if any is near enough to be meant. Case, `-` and
/// `_` count for nothing.
pub(super) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = plain(typed);
    let allowed = (typed.len() / 3).clamp(1, 3);
    let measured = candidates.into_iter().map(|candidate| (distance(&typed, &plain(candidate)), candidate));
    measured.filter(|(distance, _)| *distance <= allowed).min().map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Edits (insert, remove, replace, swap neighbours) from one text to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["port", "host", "workers", "requests_per_minute", "max_tokens"];

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        let slips = ["prot", "hosts", "worker", "requestsPerMinute", "max-token"];
        let meant = slips.map(|typed| nearest(typed, KNOWN));
        assert_eq!(meant, KNOWN.map(Some));
    }

    #[test]
    fn nothing_is_suggested_for_what_resembles_nothing() {
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(nearest("x", KNOWN), None);
    }
}
