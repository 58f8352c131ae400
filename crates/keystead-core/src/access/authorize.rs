//! The one place that decides who may do what.

use std::collections::BTreeMap;
use std::ops::Deref;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};
use keystead_policy::{ContextValue, Decision, GrantTerms, IdentitySide, NamedPolicy, Question, ResourceSide, decide};

use super::condition_keys::AllConditionKeys;
use super::refusal::refusal;
use super::{Principal, PrincipalKind, PrincipalPolicies, RequestConditionKeys};
use crate::error::KmsError;
use crate::kms::RequestOrigin;

/// Shows that [`authorize`] allowed the action on `T`. Only this module and its siblings make one, and what acts on a key or a key store takes one, so
/// that a forgotten check does not compile.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// For what has rules of its own, which the module that knows them has checked.
    pub(super) fn by_other_rules(value: T) -> Self {
        Self(value)
    }
}

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
    pub(super) fn identity_side(&self) -> IdentitySide<'a> {
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
