//! Names, paths and descriptions of identities, and what they must be.
//!
//! Source: the shapes `userNameType`, `existingUserNameType`, `groupNameType`, `roleNameType`, `policyNameType`, `pathType`,
//! `pathPrefixType`, `roleDescriptionType`, `accessKeyIdType`, `arnType` of the IAM service model.

use keystead_core::access::is_identity_path;
use keystead_query::Parameters;

use crate::constraint::{Pattern, TextRule};
use crate::error::IdentityError;

const NAME: Pattern = Pattern { text: r"[\w+=,.@-]+", is_satisfied_by: is_name };
const WORD: Pattern = Pattern { text: r"[\w]+", is_satisfied_by: |text| text.bytes().all(is_word) };

/// The name of a user that is made.
pub(crate) const NEW_USER_NAME: TextRule = TextRule { min: 1, max: 64, pattern: Some(NAME) };
/// The name of a user that is looked for.
pub(crate) const USER_NAME: TextRule = TextRule { min: 1, max: 128, pattern: Some(NAME) };
/// The name of a group.
pub(crate) const GROUP_NAME: TextRule = TextRule { min: 1, max: 128, pattern: Some(NAME) };
/// The name of a role.
pub(crate) const ROLE_NAME: TextRule = TextRule { min: 1, max: 64, pattern: Some(NAME) };
/// The name of a policy.
pub(crate) const POLICY_NAME: TextRule = TextRule { min: 1, max: 128, pattern: Some(NAME) };
/// The ID of an access key.
pub(crate) const ACCESS_KEY_ID: TextRule = TextRule { min: 16, max: 128, pattern: Some(WORD) };
/// An ARN.
pub(crate) const ARN: TextRule = TextRule { min: 20, max: 2048, pattern: None };
/// The path of an identity.
pub(crate) const PATH: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: Some(Pattern { text: r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", is_satisfied_by: is_identity_path }),
};
/// How the paths of listed identities begin.
pub(crate) const PATH_PREFIX: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: Some(Pattern { text: r"\u002F[\u0021-\u007F]*", is_satisfied_by: is_path_prefix }),
};
/// What a role is for.
pub(crate) const ROLE_DESCRIPTION: TextRule = TextRule {
    min: 0,
    max: 1000,
    pattern: Some(Pattern {
        text: r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
        is_satisfied_by: |text| text.chars().all(is_of_description),
    }),
};

/// The path of what is given none.
pub(crate) const ROOT_PATH: &str = "/";

/// Takes a path, or how paths begin; `/` if it is not there.
pub(crate) fn take_path(rule: &TextRule, parameters: &mut Parameters, name: &str) -> Result<String, IdentityError> {
    Ok(rule.optional(parameters, name)?.unwrap_or_else(|| ROOT_PATH.to_owned()))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| is_word(byte) || b"+=,.@-".contains(&byte))
}

fn is_path_prefix(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| matches!(byte, 0x21..=0x7F))
}

fn is_of_description(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        let long = "a".repeat(65);
        for (rule, value, holds) in [
            (NEW_USER_NAME, "Alice_1+=,.@-", true),
            (NEW_USER_NAME, "a b", false),
            (NEW_USER_NAME, "a/b", false),
            (NEW_USER_NAME, "\u{e9}", false),
            (NEW_USER_NAME, "", false),
            (NEW_USER_NAME, &long, false),
            (USER_NAME, &long, true),
            (GROUP_NAME, &long, true),
            (ROLE_NAME, &long, false),
            (ACCESS_KEY_ID, "AKIAIOSFODNN7EXAMPLE", true),
            (ACCESS_KEY_ID, "AKIA", false),
            (PATH, "/", true),
            (PATH, "/a/b/", true),
            (PATH, "/team#1/", true),
            (PATH, "//", false),
            (PATH, "/a", false),
            (PATH, "a/", false),
            (PATH, "/a b/", false),
            (PATH_PREFIX, "/a", true),
            (PATH_PREFIX, "a", false),
            (ROLE_DESCRIPTION, "", true),
            (ROLE_DESCRIPTION, "a\tb\u{e9}", true),
            (ROLE_DESCRIPTION, "\u{20ac}", false),
        ] {
            assert_eq!(rule.check("member", value).is_ok(), holds, "{value:?}");
        }
    }
}
