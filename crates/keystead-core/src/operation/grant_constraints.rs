//! What a grant may demand of encryption contexts (KMS API Reference, CreateGrant, `Constraints`).

use keystead_model::kms::{EncryptionContext, GrantConstraints as RequestedConstraints, KeySpec};

use crate::error::KmsError;
use crate::key::{GrantConstraints, Key};

/// The most pairs of one constraint.
const PAIRS_MAX: usize = 8;
/// The most characters of a value.
const VALUE_CHARACTERS_MAX: usize = 384;

/// The constraints of a new grant on `key`. But for the one about two constraints, which is from the field, the texts are unverified.
pub(super) fn grant_constraints(key: &Key, asked: Option<RequestedConstraints>) -> Result<GrantConstraints, KmsError> {
    let RequestedConstraints { encryption_context_equals, encryption_context_subset } = asked.unwrap_or_default();
    let (name, context) = match (&encryption_context_equals, &encryption_context_subset) {
        (None, None) => return Ok(GrantConstraints::default()),
        (Some(_), Some(_)) => return Err(KmsError::validation("More than one constraint supplied")),
        (Some(context), None) => ("encryptionContextEquals", context),
        (None, Some(context)) => ("encryptionContextSubset", context),
    };
    if key.spec != KeySpec::SymmetricDefault {
        return Err(KmsError::validation(format!(
            "A KMS key of KeySpec {} takes no encryption context, so a grant on it cannot have an encryption context constraint.",
            key.spec
        )));
    }
    check_size(name, context)?;
    Ok(GrantConstraints { encryption_context_equals, encryption_context_subset })
}

fn check_size(name: &str, context: &EncryptionContext) -> Result<(), KmsError> {
    let path = format!("constraints.{name}");
    if context.len() > PAIRS_MAX {
        return Err(KmsError::validation(format!(
            "1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must have length less than or equal to {PAIRS_MAX}"
        )));
    }
    if context.values().any(|value| value.chars().count() > VALUE_CHARACTERS_MAX) {
        return Err(KmsError::validation(format!(
            "1 validation error detected: Value at '{path}' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to {VALUE_CHARACTERS_MAX}]"
        )));
    }
    Ok(())
}
