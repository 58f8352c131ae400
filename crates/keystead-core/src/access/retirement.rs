//! Who may retire a grant.
//!
//! Source: KMS Developer Guide, "Retiring and revoking grants"; KMS API Reference, RetireGrant.

use keystead_model::kms::GrantOperation;
use keystead_policy::{
    Decision, GrantTerms, InvalidPrincipal, NamedPolicy, PolicyDocument, Question, ResourceSide, decide,
};

use super::condition_keys::{AllConditionKeys, Reader};
use super::refusal::{no_resource_policy_allows, refusal};
use super::{AccessRequest, Authorized, GranteeName, NamedPrincipal, Resource};
use crate::error::KmsError;
use crate::key::{Grant, action_of};

/// Whether the caller may retire a grant on `key`. The grant itself says so, whoever owns the key:
///
/// - Its retiring principal may, and its grantee if RetireGrant is among its operations. They need no policy, unless they are named as a whole
///   account.
/// - The account that made it may, and the one that owns the key: the root user, and whom identity policies allow `kms:RetireGrant`.
///
/// That key policies allow `kms:RetireGrant` means nothing; that any policy denies it does (for key policies unverified).
///
/// Fails with `AccessDeniedException`. To whom the grant says nothing a grant of another account looks like one that does not exist.
pub fn authorize_retirement<T: Resource>(
    request: &AccessRequest<'_>,
    key: &T,
    grant: Grant,
) -> Result<Authorized<Grant>, KmsError> {
    let (action, name) = (action_of(GrantOperation::RetireGrant), key.resource_name());
    let refused = || no_resource_policy_allows(request.principal, &action, &name);
    let terms = retirement_terms(request, &action, &grant)
        .map_err(|error| KmsError::internal(&format!("a principal of grant {} cannot be read: {error}", grant.id)))?;
    if terms.is_empty() {
        return Err(refused());
    }
    let question = Question {
        action: &action,
        resource: &name,
        context: &AllConditionKeys { request, resource: key, reader: Reader::Identity },
        resource_context: &AllConditionKeys { request, resource: key, reader: Reader::Resource },
        encryption_context: None,
    };
    let same_account = request.principal.account == *key.owner();
    let by_policies = ResourceSide { account: key.owner().as_str(), policy: key.policy(), grants: &[] };
    let decision = decide(&question, &request.identity_side(), &by_policies);
    if let Decision::ExplicitDeny(..) = decision {
        return Err(refusal(request.principal, &action, &name, same_account, &decision));
    }
    // The grant counts as one of the caller's own account, and no policy beside it.
    let silent = NamedPolicy { name: String::new(), document: PolicyDocument::silent() };
    let by_grant = ResourceSide { account: request.principal.account.as_str(), policy: Some(&silent), grants: &terms };
    let decision = decide(&question, &request.identity_side(), &by_grant);
    if decision.is_allowed() {
        return Ok(Authorized::by_other_rules(grant));
    }
    Err(refusal(request.principal, &action, &name, same_account, &decision))
}

/// The names of those who may retire the grant, as far as they mean the caller, each as a grant of RetireGrant.
fn retirement_terms(
    request: &AccessRequest<'_>,
    action: &str,
    grant: &Grant,
) -> Result<Vec<GrantTerms>, InvalidPrincipal> {
    let key_owner = NamedPrincipal::of_account(grant.key_account).to_string();
    let retires = grant.operations.contains(&GrantOperation::RetireGrant);
    let grantee = retires.then_some((grant.grantee_principal.as_str(), grant.grantee_id.as_deref()));
    let retiring = grant.retiring_principal.as_deref().map(|arn| (arn, grant.retiring_principal_id.as_deref()));
    let named = [Some((grant.issuing_account.as_str(), None)), Some((&key_owner, None)), retiring, grantee];
    let named: Vec<_> = named.into_iter().flatten().collect();
    let meant = GranteeName::all_of(request.principal)
        .into_iter()
        .filter(|name| named.iter().any(|(arn, unique_id)| name.is_meant(arn, *unique_id)));
    meant.map(|name| GrantTerms::new(grant.id.to_string(), &name.arn, vec![action.to_owned()], None, None)).collect()
}
