//! The texts and numbers that requests of STS have, with their limits (STS service model).

use keystead_query::Parameters;

use crate::constraint::{NumberRule, Pattern, TextRule};
use crate::error::IdentityError;

/// The names of sessions, and who is behind them.
const NAME: Pattern =
    Pattern { text: r"[\w+=,.@-]*", is_satisfied_by: |text| text.bytes().all(|byte| is_of(byte, b"+=,.@-")) };
const EXTERNAL: Pattern =
    Pattern { text: r"[\w+=,.@:\/-]*", is_satisfied_by: |text| text.bytes().all(|byte| is_of(byte, b"+=,.@:/-")) };
const WORD: Pattern = Pattern { text: r"[\w]*", is_satisfied_by: |text| text.bytes().all(|byte| is_of(byte, b"")) };

pub(super) const ROLE_ARN: TextRule = TextRule { min: 20, max: 2048, pattern: None };
pub(super) const ROLE_SESSION_NAME: TextRule = TextRule { min: 2, max: 64, pattern: Some(NAME) };
pub(super) const SOURCE_IDENTITY: TextRule = TextRule { min: 2, max: 64, pattern: Some(NAME) };
pub(super) const EXTERNAL_ID: TextRule = TextRule { min: 2, max: 1224, pattern: Some(EXTERNAL) };
pub(super) const ACCESS_KEY_ID: TextRule = TextRule { min: 16, max: 128, pattern: Some(WORD) };
pub(super) const SESSION_POLICY: TextRule = TextRule { min: 1, max: 2048, pattern: None };

/// Of the session of a role, in seconds: from 15 minutes to the longest that a role can be set to.
pub(super) const ROLE_DURATION: NumberRule = NumberRule { min: 900, max: 43_200 };
/// Of the session of a user, in seconds: from 15 minutes to 36 hours.
pub(super) const USER_DURATION: NumberRule = NumberRule { min: 900, max: 129_600 };

/// The duration that the request says, in seconds, or the default.
pub(super) fn duration(parameters: &mut Parameters, rule: &NumberRule, default: u32) -> Result<u32, IdentityError> {
    let asked = rule.optional(parameters, "DurationSeconds")?;
    Ok(asked.map_or(default, i32::unsigned_abs))
}

/// Letters and digits of ASCII, `_`, and what else is in `punctuation`.
fn is_of(byte: u8, punctuation: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || punctuation.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_limits() {
        for (text, taken) in [
            ("ab", true),
            ("a_b+=,.@-9", true),
            ("a", false),
            ("a b", false),
            ("a/b", false),
            ("é2", false),
            ("", false),
        ] {
            assert_eq!(ROLE_SESSION_NAME.check("roleSessionName", text).is_ok(), taken, "{text}");
        }
        assert!(EXTERNAL_ID.check("externalId", "arn:aws:iam/x").is_ok());
        assert!(EXTERNAL_ID.check("externalId", "a b").is_err());
    }
}
