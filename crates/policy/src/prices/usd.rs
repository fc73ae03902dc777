//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

const NANOS: u64 = 1_000_000_000;

/// US dollars, in whole nanodollars. Adding never overflows: it ends at the most there can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many nanodollars.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The nearest amount; what is no amount (negative, not a number) is nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` ends at the bounds of the type, and NaN becomes 0: what is wanted"
    )]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * NANOS as f64).round() as u64)
    }

    /// In nanodollars.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// For showing; sums are made before.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }

    /// What is left of this after `spent`; nothing when that is more.
    #[must_use]
    pub const fn less(self, spent: Self) -> Self {
        Self(self.0.saturating_sub(spent.0))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// `$1.25`, with as many places as it takes, at least two.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = format!("{:09}", self.0 % NANOS);
        let kept = places.trim_end_matches('0').len().max(2);
        write!(f, "${}.{}", self.0 / NANOS, &places[..kept])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_exactly_and_with_cents() {
        for (nanos, shown) in
            [(0, "$0.00"), (1, "$0.000000001"), (1_250_000_000, "$1.25"), (4_900_000_000, "$4.90")]
        {
            assert_eq!(Usd::from_nanos(nanos).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_amount_is_nothing_and_sums_never_overflow() {
        assert_eq!(Usd::from_dollars(f64::NAN), Usd::ZERO);
        assert_eq!(Usd::from_dollars(-1.0), Usd::ZERO);
        assert_eq!(Usd::from_dollars(0.1), Usd::from_nanos(100_000_000));
        let most = Usd::from_nanos(u64::MAX);
        assert_eq!([most, most].into_iter().sum::<Usd>(), most);
        assert_eq!(Usd::ZERO.less(most), Usd::ZERO);
    }
}
