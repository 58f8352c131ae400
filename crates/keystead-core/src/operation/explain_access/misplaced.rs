//! What is said of an action that KMS does not have, and of one that is not asked of what the question names.

use keystead_model::arn::KeyIdentifier;

use crate::access::Subject;
use crate::error::KmsError;

/// Of an action of KMS that there is not.
pub(super) fn unknown_action(action: &str) -> KmsError {
    let hint = match action.eq_ignore_ascii_case("kms:ReEncrypt") {
        true => ": ReEncrypt needs kms:ReEncryptFrom on one key and kms:ReEncryptTo on the other",
        false => "",
    };
    KmsError::validation(format!("KMS has no action {action}{hint}"))
}

/// Of an action that is asked of something else than the resource; `has` tells of what.
pub(super) fn misplaced(action: &str, resource: &str, has: &dyn Fn(Subject) -> bool) -> KmsError {
    let named = KeyIdentifier::parse(resource);
    let text = match named {
        Ok(KeyIdentifier::AliasName(_) | KeyIdentifier::Id(_)) if has(Subject::Key) => format!(
            "{resource} is no ARN: name the key by its ARN, or the alias by its ARN (arn:aws:kms:REGION:ACCOUNT:alias/NAME)"
        ),
        _ if has(Subject::Key) => format!("{action} is asked of a key: give --resource KEY-ARN"),
        _ if has(Subject::Region) || has(Subject::CustomKeyStores) => {
            format!("{action} is asked of no key in particular: leave --resource out, or give *")
        }
        _ if has(Subject::Grant) => format!("Who may do {action}, the grant itself says, and who made it"),
        _ => format!("{action} is not asked of {resource}"),
    };
    KmsError::validation(text)
}
