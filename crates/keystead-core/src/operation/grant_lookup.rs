//! From the `GrantId` member of a request to a grant, and from grants to the entries of lists.

use keystead_model::kms::{Exception, GrantConstraints, GrantListEntry};

use crate::error::KmsError;
use crate::key::{Grant, GrantId};

/// The grant ID that a member holds; `InvalidGrantIdException` for what is none. The text is unverified.
pub(super) fn grant_id(text: &str) -> Result<GrantId, KmsError> {
    GrantId::parse(text)
        .ok_or_else(|| KmsError::new(Exception::InvalidGrantId, format!("The grant ID {text} is not valid.")))
}

/// For a grant that a key does not have, or has no more. The text is unverified.
pub(super) fn grant_not_found(id: &GrantId) -> KmsError {
    KmsError::not_found(format!("Grant ID {id} not found"))
}

/// What lists show of a grant. It has no token.
pub(super) fn grant_list_entry(grant: Grant) -> GrantListEntry {
    let constraints = GrantConstraints {
        encryption_context_equals: grant.constraints.encryption_context_equals.clone(),
        encryption_context_subset: grant.constraints.encryption_context_subset.clone(),
    };
    GrantListEntry {
        key_id: grant.key_arn(),
        grant_id: grant.id.to_string(),
        name: grant.name.unwrap_or_default(),
        creation_date: grant.created,
        grantee_principal: grant.grantee_principal,
        retiring_principal: grant.retiring_principal,
        issuing_account: grant.issuing_account,
        operations: grant.operations,
        constraints: (constraints != GrantConstraints::default()).then_some(constraints),
    }
}
