//! The numbers of the configuration, and what each may be.

use std::ops::RangeInclusive;

/// The longest duration that makes sense of any setting.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A time that something takes, in milliseconds.
pub(super) const DURATION_MS: RangeInclusive<u64> = 1..=DAY_MS;
/// A time that may be none, in milliseconds.
pub(super) const DURATION_OR_NONE_MS: RangeInclusive<u64> = 0..=DAY_MS;
/// A size of what is held in memory, in bytes.
pub(super) const SIZE_BYTES: RangeInclusive<u64> = 1..=i32::MAX as u64;
/// How many of something.
pub(super) const COUNT: RangeInclusive<u64> = 1..=u32::MAX as u64;

/// A number with the least and the greatest that it may be.
pub(super) struct Number {
    /// Section and key, such as `limits.body_timeout_ms`.
    pub(super) name: &'static str,
    pub(super) value: u64,
    pub(super) range: RangeInclusive<u64>,
}

impl Number {
    pub(super) fn new(name: &'static str, value: impl Into<u64>, range: RangeInclusive<u64>) -> Self {
        Self { name, value: value.into(), range }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.range.contains(&self.value) {
            return Ok(());
        }
        Err(format!("{} must be {} to {}", self.name, self.range.start(), self.range.end()))
    }
}

/// Checks a number whose name or whose least only the configuration tells.
pub(super) fn check_least(name: &str, value: u64, least: u64) -> Result<(), String> {
    if value >= least { Ok(()) } else { Err(format!("{name} must be {least} or more")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_its_bounds_and_no_more() {
        for (value, is_allowed) in [(1_u32, false), (2, true), (5, true), (6, false)] {
            let checked = Number::new("hsm.login_strikes_max", value, 2..=5).check();
            let expected = if is_allowed { Ok(()) } else { Err("hsm.login_strikes_max must be 2 to 5".to_owned()) };
            assert_eq!(checked, expected, "{value}");
        }
    }

    #[test]
    fn the_least_is_enough() {
        assert_eq!(check_least("a.b", 4, 4), Ok(()));
        assert_eq!(check_least("a.b", 3, 4), Err("a.b must be 4 or more".to_owned()));
    }
}
