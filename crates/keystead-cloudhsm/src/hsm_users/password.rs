//! The rules of passwords (AWS CloudHSM User Guide: 7 to 32 characters, case-sensitive; KMS wants them alphanumeric).

use keystead_model::SecretString;
use keystead_pkcs11::Pin;

use super::HsmUsersError;

const LENGTHS: std::ops::RangeInclusive<usize> = 7..=32;

/// A password that is to be set. Says what is wrong with it, not what it is.
pub(super) fn new_pin(password: &SecretString) -> Result<Pin, HsmUsersError> {
    let text = password.expose();
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(HsmUsersError::Invalid(
            "The new password may have letters and digits (A-Z, a-z, 0-9) only.".to_owned(),
        ));
    }
    if !LENGTHS.contains(&text.len()) {
        return Err(HsmUsersError::Invalid(format!(
            "The new password has {} characters; it must have {} to {}.",
            text.len(),
            LENGTHS.start(),
            LENGTHS.end()
        )));
    }
    Ok(Pin::new(text))
}

/// A password that somebody has. One that breaks the rules can be nobody's; it is not tried, so that it counts as no strike.
pub(super) fn existing_pin(password: &SecretString) -> Result<Pin, HsmUsersError> {
    new_pin(password).map_err(|_| {
        HsmUsersError::Invalid(
            "The password given is not 7 to 32 letters and digits, so it cannot be the user's.".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_to_thirty_two_letters_and_digits() {
        let accepted = |text: &str| new_pin(&SecretString::from(text.to_owned())).is_ok();
        for good in ["abcdefg", "1234567", "Aa345678901234567890123456789012"] {
            assert!(accepted(good), "{good}");
        }
        for bad in ["", "abcdef", "Aa3456789012345678901234567890123", "abcdef!", "abc defg", "pässword", "abcdefg\n"]
        {
            assert!(!accepted(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let problem = |text: &str| match new_pin(&SecretString::from(text.to_owned())) {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        };
        assert_eq!(problem("hunt2"), "The new password has 5 characters; it must have 7 to 32.");
        assert!(!problem("hunter2!").is_empty() && !problem("hunter2!").contains("hunter2"));
    }
}
