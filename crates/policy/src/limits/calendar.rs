//! Days and months in UTC, by which budgets are reckoned. Times are seconds since 1970.

const DAY: u64 = 86_400;

/// A stretch of time in which a budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first second.
    pub begin: u64,
    /// The first second after it.
    pub end: u64,
}

impl Span {
    /// The day of this moment.
    pub const fn day_of(now: u64) -> Self {
        let begin = now - now % DAY;
        Self { begin, end: begin + DAY }
    }

    /// The month of this moment.
    pub const fn month_of(now: u64) -> Self {
        let (year, month) = month_at(now / DAY);
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        Self { begin: first_day(year, month) * DAY, end: first_day(next_year, next_month) * DAY }
    }
}

/// The days from 1970 to the first of a month, by the rule that years begin in March.
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
const fn first_day(year: u64, month: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 - 719_468
}

/// The year and month of a day.
const fn month_at(day: u64) -> (u64, u64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let year = year + era * 400;
    if month < 10 { (year, month + 3) } else { (year + 1, month - 9) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        // `date -u -d 2024-02-01 +%s` and its like.
        for (now, begin, end) in [
            (0, 0, 2_678_400),
            (1_709_164_800, 1_706_745_600, 1_709_251_200), // 29 February 2024
            (1_798_761_599, 1_796_083_200, 1_798_761_600), // the last second of 2026
            (1_798_761_600, 1_798_761_600, 1_801_440_000),
        ] {
            assert_eq!(Span::month_of(now), Span { begin, end }, "{now}");
        }
        assert_eq!(Span::day_of(DAY), Span { begin: DAY, end: 2 * DAY });
    }

    proptest! {
        #[test]
        fn every_moment_is_within_its_month_and_months_leave_no_gap(now in 0..20_000_000_000_u64) {
            let month = Span::month_of(now);
            prop_assert!(month.begin <= now && now < month.end);
            prop_assert!((28..=31).contains(&((month.end - month.begin) / DAY)));
            prop_assert_eq!(Span::month_of(month.end).begin, month.end);
        }
    }
}
