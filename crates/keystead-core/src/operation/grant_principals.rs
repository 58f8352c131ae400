//! The principals of a request about grants.

use keystead_model::kms::Exception;

use super::existing_principals::{ExistingPrincipals, PrincipalError};
use crate::access::NamedPrincipal;
use crate::error::KmsError;
use crate::kms::Kms;

/// The principal that a member names: the ARN of an account, user, role, role session or federated user, or the 12 digits of an account.
/// Service principals come with members of their own, which version 2014-11-01 of the API does not have yet.
pub(super) fn granted_principal(text: &str) -> Result<NamedPrincipal, KmsError> {
    NamedPrincipal::parse(text).ok_or_else(|| no_principal(text))
}

/// For a text that is no principal, and for a principal that does not exist. The text is unverified.
pub(super) fn no_principal(text: &str) -> KmsError {
    KmsError::new(Exception::InvalidArn, format!("ARN does not refer to a valid principal: {text}"))
}

/// The unique ID of the user or role that a grant is to name, or of the role whose session it is; `None` for what has none, or is of an
/// account elsewhere. Fails for one that does not exist.
pub(super) async fn granted_unique_id(kms: &Kms, principal: &NamedPrincipal) -> Result<Option<String>, KmsError> {
    ExistingPrincipals::new(kms).unique_id_of(principal).await.map_err(|error| match error {
        PrincipalError::Missing(_) => no_principal(&principal.to_string()),
        PrincipalError::Lookup(error) => error,
    })
}
