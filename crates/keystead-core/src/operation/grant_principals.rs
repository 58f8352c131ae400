//! The principals of a request about grants.

use keystead_model::kms::Exception;

use crate::access::NamedPrincipal;
use crate::error::KmsError;

/// The principal that a member names: the ARN of an account, user, role, role session or federated user, or the 12 digits of an account.
/// Service principals come with members of their own, which version 2014-11-01 of the API does not have yet.
pub(super) fn granted_principal(text: &str) -> Result<NamedPrincipal, KmsError> {
    NamedPrincipal::parse(text).ok_or_else(|| no_principal(text))
}

/// For a text that is no principal, and for a principal that does not exist. The text is unverified.
pub(super) fn no_principal(text: &str) -> KmsError {
    KmsError::new(Exception::InvalidArn, format!("ARN does not refer to a valid principal: {text}"))
}
