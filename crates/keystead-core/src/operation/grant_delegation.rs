//! What a principal may grant that has leave to create grants from a grant itself (KMS Developer Guide, "Grants in AWS KMS": CreateGrant).

use std::sync::Arc;

use keystead_model::kms::{EncryptionContext, GrantOperation};

use super::key_grants::stored_grants_for;
use crate::access::{Authorized, Grants, Subject, authorize_with};
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::{Grant, GrantConstraints};
use crate::kms::{Call, Kms};

/// Leave to create a grant with these operations and constraints. `key` shows that the caller may create grants at all: what a policy
/// allows has no bounds but the policy's conditions, what a grant allows is bounded by that grant. With several grants any may allow it.
///
/// Fails with `AccessDeniedException`, as if the caller had no such grant (unverified).
pub(super) async fn authorized_to_grant(
    kms: &Kms,
    call: &Call<'_>,
    key: Authorized<Arc<LoadedKey>>,
    operations: &[GrantOperation],
    constraints: &GrantConstraints,
) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
    if key.grant_id().is_none() {
        return Ok(key);
    }
    let mut terms = Vec::new();
    for parent in stored_grants_for(kms, call, &key).await? {
        if passes_on(&parent, operations, constraints) {
            terms.push(parent.terms()?);
        }
    }
    let grants = Grants { terms: &terms, encryption_context: None };
    let action = call.action();
    let keys = call.condition_keys(&action, Subject::Key);
    let request = call.caller.access_request(call.now, &keys);
    authorize_with(&request, &action, Arc::clone(&key), &grants).map_err(|refused| refused.error)
}

/// Whether a grant passes CreateGrant on for this new grant: the operations must be among its own, and the constraints at least as strict.
fn passes_on(parent: &Grant, operations: &[GrantOperation], constraints: &GrantConstraints) -> bool {
    operations.iter().all(|operation| parent.operations.contains(operation))
        && at_least_as_strict(&parent.constraints, constraints)
}

/// Whether whatever satisfies `child` satisfies `parent` too.
fn at_least_as_strict(parent: &GrantConstraints, child: &GrantConstraints) -> bool {
    let equals = |context: &EncryptionContext| child.encryption_context_equals.as_ref() == Some(context);
    let contains = |context: &EncryptionContext| {
        let demanded = child.encryption_context_equals.as_ref().or(child.encryption_context_subset.as_ref());
        context.iter().all(|(name, value)| demanded.and_then(|demanded| demanded.get(name)) == Some(value))
    };
    parent.encryption_context_equals.as_ref().is_none_or(equals)
        && parent.encryption_context_subset.as_ref().is_none_or(contains)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn equals(pairs: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { encryption_context_equals: Some(context(pairs)), encryption_context_subset: None }
    }

    fn subset(pairs: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { encryption_context_equals: None, encryption_context_subset: Some(context(pairs)) }
    }

    #[test]
    fn a_child_is_as_strict_as_its_parent() {
        let (a, ab, none) = ([("a", "1")], [("a", "1"), ("b", "2")], GrantConstraints::default());
        for (parent, child, strict) in [
            (&none, &none, true),
            (&none, &equals(&a), true),
            (&none, &subset(&[]), true),
            (&equals(&a), &none, false),
            (&equals(&a), &equals(&a), true),
            (&equals(&a), &equals(&ab), false),
            (&equals(&a), &equals(&[("a", "2")]), false),
            (&equals(&a), &equals(&[("A", "1")]), false),
            (&equals(&a), &subset(&a), false),
            (&equals(&[]), &subset(&[]), false),
            (&equals(&[]), &equals(&[]), true),
            (&subset(&a), &none, false),
            (&subset(&a), &subset(&a), true),
            (&subset(&a), &subset(&ab), true),
            (&subset(&a), &equals(&a), true),
            (&subset(&a), &equals(&ab), true),
            (&subset(&ab), &subset(&a), false),
            (&subset(&ab), &equals(&a), false),
            (&subset(&a), &subset(&[("a", "2")]), false),
            (&subset(&a), &equals(&[]), false),
            (&subset(&[]), &none, true),
            (&subset(&[]), &subset(&[]), true),
        ] {
            assert_eq!(at_least_as_strict(parent, child), strict, "{parent:?} {child:?}");
        }
    }
}
