//! Points in time on the wire.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds in a day; KMS counts its waiting periods in days of 24 hours.
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// The last second of the year 9999, and as far the other way: what requests may name.
const EPOCH_SECONDS_MAX: f64 = 253_402_300_799.0;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// On the wire it is epoch seconds, a JSON number with a fraction (`1593893322.32`); whole numbers are read as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// From seconds since the epoch, rounded to the millisecond; `None` beyond the year 9999 either way.
    pub fn from_epoch_seconds(seconds: f64) -> Option<Self> {
        // NaN fails the comparison too.
        (seconds.abs() <= EPOCH_SECONDS_MAX).then(|| Timestamp((seconds * 1000.0).round() as i64))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// So many days of 24 hours later, or the end of time.
    pub const fn plus_days(self, days: u32) -> Self {
        self.plus_millis((days as i64).saturating_mul(MILLIS_PER_DAY))
    }

    /// So much later, or the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        self.plus_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    /// So many milliseconds later (earlier if negative), or the end of time.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Timestamp(self.0.saturating_add(millis))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Exact enough: a float holds every millisecond for some 285,000 years.
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("epoch seconds as a number, up to the year 9999")
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Timestamp::from_epoch_seconds(seconds)
            .ok_or_else(|| E::custom("timestamp out of range: expected epoch seconds up to the year 9999"))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_a_fraction() {
        let table = [
            (1_593_893_322_320, "1593893322.32"),
            (1_593_893_322_000, "1593893322.0"),
            (1_593_893_322_001, "1593893322.001"),
            (0, "0.0"),
            (-1, "-0.001"),
        ];
        for (millis, text) in table {
            assert_eq!(serde_json::to_string(&Timestamp::from_millis(millis)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Timestamp>(text).unwrap().millis(), millis, "{text}");
        }
    }

    #[test]
    fn whole_seconds_are_read_too() {
        assert_eq!(serde_json::from_str::<Timestamp>("1593893322").unwrap().millis(), 1_593_893_322_000);
        assert_eq!(serde_json::from_str::<Timestamp>("-5").unwrap().millis(), -5_000);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in ["1e18", "-1e18", "18446744073709551615", "\"2020-01-01T00:00:00Z\"", "true", "null"] {
            assert!(serde_json::from_str::<Timestamp>(bad).is_err(), "{bad}");
        }
        assert_eq!(Timestamp::from_epoch_seconds(f64::NAN), None);
        assert_eq!(Timestamp::from_epoch_seconds(f64::INFINITY), None);
    }

    #[test]
    fn days_have_24_hours_and_time_has_an_end() {
        assert_eq!(Timestamp::from_millis(5).plus_days(30).millis(), 2_592_000_005);
        assert_eq!(Timestamp::from_millis(i64::MAX).plus_days(u32::MAX).millis(), i64::MAX);
        assert_eq!(Timestamp::from_millis(5).plus(Duration::from_secs(1)).millis(), 1005);
        assert_eq!(Timestamp::from_millis(5).plus(Duration::MAX).millis(), i64::MAX);
        assert!(Timestamp::from_millis(1) < Timestamp::from_millis(2));
    }
}
