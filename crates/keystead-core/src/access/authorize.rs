//! The one place that decides who may do what.

use std::collections::BTreeMap;
use std::ops::Deref;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};
use keystead_policy::{
    ContextValue, Decision, GrantTerms, IdentitySide, Layer, NamedPolicy, Permission, PolicyDocument, Question,
    ResourceSide, decide,
};

use super::condition_keys::{AllConditionKeys, Reader};
use super::refusal::refusal;
use super::{Principal, PrincipalKind, PrincipalPolicies, RequestConditionKeys};
use crate::error::KmsError;
use crate::kms::RequestOrigin;

/// Shows that an action on `T` was allowed. Only this module and its siblings make one, and what acts on a key or a key store takes one, so
/// that a forgotten check does not compile.
///
/// ```compile_fail,E0451
/// use keystead_core::access::{Authorized, KmsScope};
///
/// fn pretend(scope: KmsScope) -> Authorized<KmsScope> {
///     Authorized { resource: scope, grant_id: None }
/// }
/// ```
///
/// A key's material is to be had, and a key to be changed, with leave alone:
///
/// ```compile_fail,E0616
/// fn steal(key: &keystead_core::catalog::LoadedKey) -> usize {
///     key.materials.len()
/// }
/// ```
///
/// ```compile_fail,E0308
/// use std::sync::Arc;
///
/// use keystead_core::catalog::{Catalog, LoadedKey};
/// use keystead_core::port::SystemEntropy;
///
/// async fn rename(catalog: &Catalog, key: &Arc<LoadedKey>) {
///     let change = catalog.change_key(key, &SystemEntropy, |key| {
///         key.description.clear();
///         Ok(())
///     });
///     change.await.ok();
/// }
/// ```
///
/// The same compiles with it:
///
/// ```
/// use std::sync::Arc;
///
/// use keystead_core::access::Authorized;
/// use keystead_core::catalog::{Catalog, LoadedKey};
/// use keystead_core::port::SystemEntropy;
///
/// async fn rename(catalog: &Catalog, key: &Authorized<Arc<LoadedKey>>) {
///     assert!(key.current_material().is_some());
///     let change = catalog.change_key(key, &SystemEntropy, |key| {
///         key.description.clear();
///         Ok(())
///     });
///     change.await.ok();
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Authorized<T> {
    resource: T,
    grant_id: Option<String>,
}

impl<T> Authorized<T> {
    /// For what has rules of its own, which the module that knows them has checked.
    pub(super) fn by_other_rules(resource: T) -> Self {
        Self { resource, grant_id: None }
    }

    /// The ID of the grant that allows it, where policies alone do not.
    pub fn grant_id(&self) -> Option<&str> {
        self.grant_id.as_deref()
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.resource
    }
}

/// Something that an action may be allowed on.
pub trait Resource {
    /// The account that owns it.
    fn owner(&self) -> &AccountId;
    /// Its name in policies: an ARN, or `*`.
    fn resource_name(&self) -> String;
    /// Its name in refusals, where it is another one.
    fn name_in_refusals(&self) -> String {
        self.resource_name()
    }
    /// Its own policy, if it is something that has one.
    fn policy(&self) -> Option<&NamedPolicy> {
        None
    }
    /// The value of a condition key, in lower case, that tells something of it.
    fn condition_key(&self, _key: &str) -> Option<ContextValue> {
        None
    }
    /// The same of a condition key that only the policies of identities have.
    fn condition_key_of_identities(&self, _key: &str) -> Option<ContextValue> {
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
    let decision = decision(request, action, &resource, &Grants::NONE);
    match proof(&decision) {
        Some(grant_id) => Ok(Authorized { resource, grant_id }),
        None => Err(refused(request, action, &resource, &decision)),
    }
}

/// The same without the words of a refusal, and with grants; gives the resource back together with what is to be known of the refusal.
pub(crate) fn authorize_with<T: Resource>(
    request: &AccessRequest<'_>,
    action: &str,
    resource: T,
    grants: &Grants<'_>,
) -> Result<Authorized<T>, Refused<T>> {
    let decision = decision(request, action, &resource, grants);
    match proof(&decision) {
        Some(grant_id) => Ok(Authorized { resource, grant_id }),
        None => {
            let error = refused(request, action, &resource, &decision);
            let by_resource = matches!(
                decision,
                Decision::ImplicitDeny(Layer::ResourcePolicy) | Decision::ExplicitDeny(Layer::ResourcePolicy, _)
            );
            let grants_may_allow = may_be_granted(request, &resource, &decision);
            Err(Refused { error, by_resource, grants_may_allow, resource })
        }
    }
}

/// Grants of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grants<'a> {
    /// Those that name the caller.
    pub(crate) terms: &'a [GrantTerms],
    /// What their constraints look at: the encryption context of a cryptographic operation, empty if it gave none; `None` for operations
    /// that have none.
    pub(crate) encryption_context: Option<&'a BTreeMap<String, String>>,
}

impl Grants<'_> {
    /// No grants.
    pub(crate) const NONE: Self = Self { terms: &[], encryption_context: None };
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refused<T> {
    /// What was asked for.
    pub(crate) resource: T,
    /// The refusal, for the caller.
    pub(crate) error: KmsError,
    /// Whether it is the resource's policy that denies it, or that does not allow it.
    pub(crate) by_resource: bool,
    /// Whether grants could have allowed it: nothing denies it, and it is the resource's side that allows too little.
    pub(crate) grants_may_allow: bool,
}

/// Whether a document that is to be a resource's policy allows an action, to the caller or to the account as a whole, and denies it not.
pub(crate) fn policy_would_allow<T: Resource>(
    request: &AccessRequest<'_>,
    action: &str,
    resource: &T,
    document: &PolicyDocument,
) -> bool {
    let context = AllConditionKeys { request, resource, reader: Reader::Resource };
    let name = resource.resource_name();
    let asked = keystead_policy::AccessRequest {
        identity: &request.principal.policy_identity,
        action,
        resource: &name,
        context: &context,
    };
    let verdict = document.evaluate(&asked);
    verdict.allow.is_some() && verdict.deny.is_none()
}

/// What policies and grants say.
pub(super) fn decision<'a, T: Resource>(
    request: &AccessRequest<'a>,
    action: &str,
    resource: &'a T,
    grants: &Grants<'a>,
) -> Decision<'a> {
    let question = Question {
        action,
        resource: &resource.resource_name(),
        context: &AllConditionKeys { request, resource, reader: Reader::Identity },
        resource_context: &AllConditionKeys { request, resource, reader: Reader::Resource },
        encryption_context: grants.encryption_context,
    };
    let side = ResourceSide { account: resource.owner().as_str(), policy: resource.policy(), grants: grants.terms };
    decide(&question, &request.identity_side(), &side)
}

/// Of a decision to allow: the grant that it needs, if it needs one.
fn proof(decision: &Decision<'_>) -> Option<Option<String>> {
    match decision {
        Decision::Allowed { resource: Some(Permission::Grant(id)), .. } => Some(Some((*id).to_owned())),
        Decision::Allowed { .. } => Some(None),
        Decision::ExplicitDeny(..) | Decision::ImplicitDeny(_) => None,
    }
}

/// A grant may allow what the resource's policy does not, or what it leaves to the account, whose policies do not; it may name the session
/// where the policy names the role, so that a boundary does not limit it.
pub(super) fn may_be_granted<T: Resource>(request: &AccessRequest<'_>, resource: &T, decision: &Decision<'_>) -> bool {
    let same_account = request.principal.account == *resource.owner();
    resource.policy().is_some()
        && match decision {
            Decision::ImplicitDeny(Layer::ResourcePolicy) => true,
            Decision::ImplicitDeny(_) => same_account,
            Decision::ExplicitDeny(..) | Decision::Allowed { .. } => false,
        }
}

fn refused<T: Resource>(request: &AccessRequest<'_>, action: &str, resource: &T, decision: &Decision<'_>) -> KmsError {
    let same_account = request.principal.account == *resource.owner();
    refusal(request.principal, action, &resource.name_in_refusals(), same_account, decision)
}
