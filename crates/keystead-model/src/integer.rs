//! Whole numbers in requests.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// The largest magnitude up to which every whole number is exact as a float: 2^53.
const EXACT_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;

/// `number` as a whole number; `None` if it has a fraction or leaves the range of `i64`.
///
/// `5.0` counts as 5, as in JSON itself. Whether AWS takes it is unverified.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|_| number.is_f64())?;
        (float.fract() == 0.0 && float.abs() <= EXACT_FLOAT_MAX).then_some(float as i64)
    })
}

/// Reads an optional member; for `#[serde(deserialize_with)]`.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    whole(&number)
        .and_then(|value| u32::try_from(value).ok())
        .map(Some)
        .ok_or_else(|| D::Error::custom("expected a whole number from 0 to 4294967295"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let table = [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("-0.0", Some(0)),
            ("1e3", Some(1000)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("5.5", None),
            ("1e300", None),
        ];
        for (text, expected) in table {
            assert_eq!(whole(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn optional_members_take_null_and_refuse_the_rest() {
        let read = |text: &str| optional(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(read("null").unwrap(), None);
        assert_eq!(read("30.0").unwrap(), Some(30));
        for bad in ["-1", "4294967296", "1.5", "\"1\"", "[]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
