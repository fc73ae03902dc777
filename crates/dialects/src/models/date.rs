//! Calendar days of the model table.

use serde::{Deserialize, Deserializer};

/// A day, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    days_since_epoch: i64,
}

const DAYS_BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

impl Date {
    /// Reads `2026-11-22`, also at the start of an RFC 3339 time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let day = text.get(..10)?;
        let mut parts = day.split('-');
        let year: i64 = parts.next()?.parse().ok()?;
        let month: usize = parts.next()?.parse().ok()?;
        let day: i64 = parts.next()?.parse().ok()?;
        let before = DAYS_BEFORE_MONTH.get(month.checked_sub(1)?)?;
        if parts.next().is_some() || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
            return None;
        }
        let leaps = |year: i64| year / 4 - year / 100 + year / 400;
        let is_leap = leaps(year) > leaps(year - 1);
        let leap_days = leaps(year - 1) - leaps(1969) + i64::from(is_leap && month > 2);
        Some(Self { days_since_epoch: (year - 1970) * 365 + leap_days + before + day - 1 })
    }

    /// As `2026-11-22`.
    #[must_use]
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate("YYYY-MM-DD".len());
        text
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.days_since_epoch * 86_400
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a day as YYYY-MM-DD"))
    }
}

impl std::fmt::Display for Date {
    /// As RFC 3339: `2026-11-22T00:00:00Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Days to civil date after Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>
        let shifted = self.days_since_epoch + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}T00:00:00Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_as_the_calendar_does() {
        let unix = |text: &str| Date::parse(text).unwrap().unix();
        assert_eq!(unix("1970-01-01"), 0);
        assert_eq!(unix("2000-03-01"), 951_868_800);
        assert_eq!(unix("2024-02-29"), 1_709_164_800);
        assert_eq!(unix("2026-11-22T10:00:00Z"), 1_795_305_600);
        assert_eq!(Date::parse("2026-13-01"), None);
        assert_eq!(Date::parse("yesterday.."), None);
    }

    #[test]
    fn every_day_of_a_century_survives_writing_and_reading() {
        for days_since_epoch in 0..36_524 {
            let date = Date { days_since_epoch };
            assert_eq!(Date::parse(&date.to_string()), Some(date));
        }
    }
}
