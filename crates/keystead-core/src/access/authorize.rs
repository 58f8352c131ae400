//! The one place that decides who may do what.

use std::collections::BTreeMap;
use std::ops::Deref;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};
use keystead_model::kms::GrantOperation;
use keystead_policy::{ContextValue, Decision, GrantTerms, IdentitySide, NamedPolicy, Question, ResourceSide, decide};

use super::condition_keys::AllConditionKeys;
use super::refusal::{no_resource_policy_allows, refusal};
use super::{NamedPrincipal, Principal, PrincipalKind, PrincipalPolicies, RequestConditionKeys};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::RequestOrigin;

/// Shows that [`authorize`] allowed the action on `T`. Only this module makes one, and what acts on a key or a key store takes one, so
/// that a forgotten check does not compile.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Something that an action may be allowed on.
pub trait Resource {
    /// The account that owns it.
    fn owner(&self) -> &AccountId;
    /// Its name in policies and in refusals: an ARN, or `*`.
    fn resource_name(&self) -> String;
    /// Its own policy, if it is something that has one.
    fn policy(&self) -> Option<&NamedPolicy> {
        None
    }
    /// The value of a condition key, in lower case, that tells something of it.
    fn condition_key(&self, _key: &str) -> Option<ContextValue> {
        None
    }
}

/// The account and Region of the caller: the resource of operations that are about no key in particular (`Resource: *`).
#[derive(Clone, Debug)]
pub struct AccountScope {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl Resource for AccountScope {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        "*".to_owned()
    }
}

/// Who asks, and what is known of the request but for the resource.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What IAM has of it.
    pub policies: &'a PrincipalPolicies,
    /// How the request came.
    pub origin: &'a RequestOrigin,
    /// The Region that is asked.
    pub region: &'a Region,
    /// When.
    pub now: Timestamp,
    /// What the request itself says.
    pub keys: &'a RequestConditionKeys<'a>,
}

impl<'a> AccessRequest<'a> {
    fn identity_side(&self) -> IdentitySide<'a> {
        let session = self.principal.session.as_deref().and_then(|session| session.policies.as_deref());
        IdentitySide {
            identity: &self.principal.policy_identity,
            is_root: self.principal.kind == PrincipalKind::Root,
            policies: &self.policies.policies,
            boundary: self.policies.boundary.as_ref(),
            session,
        }
    }
}

/// Whether `request` may do `action` (such as `kms:Encrypt`) on `resource`.
///
/// Fails with `AccessDeniedException`, worded as IAM words it (KMS core digest 4.7).
pub fn authorize<T: Resource>(
    request: &AccessRequest<'_>,
    action: &str,
    resource: T,
) -> Result<Authorized<T>, KmsError> {
    let name = resource.resource_name();
    let decision = decision(request, action, &name, &resource, &[], None);
    if decision.is_allowed() {
        return Ok(Authorized(resource));
    }
    let same_account = request.principal.account == *resource.owner();
    Err(refusal(request.principal, action, &name, same_account, &decision))
}

/// What policies and grants say.
fn decision<'a, T: Resource>(
    request: &AccessRequest<'a>,
    action: &str,
    name: &str,
    resource: &'a T,
    grants: &'a [GrantTerms],
    encryption_context: Option<&'a BTreeMap<String, String>>,
) -> Decision<'a> {
    let context = AllConditionKeys { request, resource };
    let question =
        Question { action, resource: name, context: &context, resource_context: &context, encryption_context };
    let side = ResourceSide { account: resource.owner().as_str(), policy: resource.policy(), grants };
    decide(&question, &request.identity_side(), &side)
}

/// Whether `principal` may retire a grant. The grant itself says so, whoever owns the key: its retiring principal may, its grantee if
/// RetireGrant is among its operations, and the account that made it.
///
/// Fails with `AccessDeniedException`. Source: KMS API Reference, RetireGrant.
pub fn authorize_retirement(principal: &Principal, grant: Grant) -> Result<Authorized<Grant>, KmsError> {
    let covered = |name: &str| NamedPrincipal::parse(name).is_some_and(|named| named.covers(principal));
    let allowed = covered(&grant.issuing_account)
        || grant.retiring_principal.as_deref().is_some_and(covered)
        || (grant.operations.contains(&GrantOperation::RetireGrant) && covered(&grant.grantee_principal));
    if allowed {
        return Ok(Authorized(grant));
    }
    Err(no_resource_policy_allows(principal, "kms:RetireGrant", &grant.key_arn().to_string()))
}
