//! The time of a request, in whole UTC seconds.

use std::fmt;

use time::format_description::well_known::Rfc2822;
use time::{Date, Month, OffsetDateTime};

use crate::error::SignatureError;

/// Seconds since 1970 of 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits of year can say.
const FIRST_UNIX: i64 = -62_167_219_200;
const LAST_UNIX: i64 = 253_402_300_799;

/// Characters of a date that an error message repeats.
const MAX_ECHOED_CHARS: usize = 64;

/// A UTC second. Shown and parsed as `YYYYMMDD'T'HHMMSS'Z'` (ISO 8601 basic format).
///
/// Invariant: within the years 0000..=9999, so that the text form always has 16 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AmzDate(i64);

impl AmzDate {
    /// From seconds since 1970-01-01T00:00:00Z; a second outside the years 0000..=9999 becomes the nearest inside.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(FIRST_UNIX, LAST_UNIX))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Reads `YYYYMMDD'T'HHMMSS'Z'`, the form of `X-Amz-Date`. Anything else is [`SignatureError::BadDate`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        parse_basic(text.as_bytes()).ok_or_else(|| bad_date(text))
    }

    /// Reads a `Date` header: the basic format, or the RFC 1123 form of HTTP.
    pub(crate) fn parse_date_header(text: &str) -> Result<Self, SignatureError> {
        if let Some(date) = parse_basic(text.as_bytes()) {
            return Ok(date);
        }
        let date = OffsetDateTime::parse(text, &Rfc2822).map_err(|_| bad_date(text))?;
        Ok(Self::from_unix(date.unix_timestamp()))
    }

    /// The UTC day, `yyyymmdd`, as the credential scope has it.
    pub fn date_stamp(self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }

    /// This many seconds later (earlier, if negative), kept inside the years 0000..=9999.
    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The range of the type is within that of `OffsetDateTime`, so the conversion cannot fail.
        let date = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        let (hour, minute, second) = date.to_hms();
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

fn parse_basic(text: &[u8]) -> Option<AmzDate> {
    if text.len() != 16 || text[8] != b'T' || text[15] != b'Z' {
        return None;
    }
    let month = Month::try_from(digits(&text[4..6])? as u8).ok()?;
    let day = Date::from_calendar_date(i32::from(digits(&text[..4])?), month, digits(&text[6..8])? as u8).ok()?;
    let [hour, minute, second] = [digits(&text[9..11])?, digits(&text[11..13])?, digits(&text[13..15])?];
    let date = day.with_hms(hour as u8, minute as u8, second as u8).ok()?;
    Some(AmzDate(date.assume_utc().unix_timestamp()))
}

/// The number that two or four ASCII digits spell: at most 9999, and two digits fit a `u8`.
fn digits(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0')))
}

fn bad_date(text: &str) -> SignatureError {
    SignatureError::BadDate(text.chars().take(MAX_ECHOED_CHARS).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Seconds since 1970 and the basic format.
    const DATES: &[(i64, &str)] = &[
        (0, "19700101T000000Z"),
        (-1, "19691231T235959Z"),
        (951_782_400, "20000229T000000Z"),
        (1_440_938_160, "20150830T123600Z"),
        (1_767_323_045, "20260102T030405Z"),
        (FIRST_UNIX, "00000101T000000Z"),
        (LAST_UNIX, "99991231T235959Z"),
    ];

    #[test]
    fn reads_and_shows_the_basic_format() {
        for &(unix, text) in DATES {
            assert_eq!(AmzDate::parse(text).unwrap().unix(), unix, "{text}");
            assert_eq!(AmzDate::from_unix(unix).to_string(), text);
            assert_eq!(AmzDate::from_unix(unix).date_stamp(), text[..8]);
            assert_eq!(AmzDate::parse_date_header(text).unwrap().unix(), unix);
        }
    }

    #[test]
    fn refuses_other_forms() {
        let refused = [
            "",
            "201",
            "20150830",
            "2015-08-30T12:36:00Z",
            "20150830T123600",
            "20150830T123600z",
            "20150830t123600Z",
            "20150230T123600Z",
            "20151330T123600Z",
            "20150830T243600Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "+0150830T123600Z",
            "2015083 T123600Z",
            "20150830T123600ZZ",
            "Sun, 30 Aug 2015 12:36:00 GMT",
            "\u{661}0150830T12360Z",
        ];
        for text in refused {
            assert_eq!(AmzDate::parse(text), Err(SignatureError::BadDate(text.to_owned())));
        }
    }

    #[test]
    fn a_date_header_may_be_rfc_1123() {
        let date = AmzDate::parse_date_header("Sun, 30 Aug 2015 12:36:00 GMT").unwrap();
        assert_eq!(date.to_string(), "20150830T123600Z");
        for text in ["yesterday", "Sun, 31 Feb 2015 12:36:00 GMT", "2015-08-30"] {
            assert_eq!(AmzDate::parse_date_header(text), Err(SignatureError::BadDate(text.to_owned())));
        }
    }

    #[test]
    fn the_error_repeats_no_more_than_a_line() {
        let Err(SignatureError::BadDate(echoed)) = AmzDate::parse(&"é".repeat(1000)) else {
            unreachable!("a date of a thousand letters was accepted")
        };
        assert_eq!(echoed.chars().count(), MAX_ECHOED_CHARS);
    }

    #[test]
    fn stays_within_four_digits_of_year() {
        assert_eq!(AmzDate::from_unix(i64::MAX).to_string(), "99991231T235959Z");
        assert_eq!(AmzDate::from_unix(i64::MIN).to_string(), "00000101T000000Z");
        assert_eq!(AmzDate::from_unix(i64::MAX).plus_seconds(i64::MAX).unix(), LAST_UNIX);
        assert_eq!(AmzDate::from_unix(60).plus_seconds(-61).to_string(), "19691231T235959Z");
    }
}
