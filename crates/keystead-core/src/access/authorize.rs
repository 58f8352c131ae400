//! The one place that decides who may do what.
//!
//! For now a principal may do everything inside its own account and nothing across accounts. Policies and grants will be evaluated
//! here: that is why the function is given principal, action, resource and request context already.

use std::ops::Deref;

use keystead_model::arn::{AccountId, Region};
use keystead_model::kms::GrantOperation;

use super::{NamedPrincipal, Principal};
use crate::error::KmsError;
use crate::key::Grant;

/// Shows that [`authorize`] allowed the action on `T`. Only `authorize` makes one, and what acts on a key or a key store takes one, so
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

/// What an authorization decision may look at besides the principal and the resource (condition keys).
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The address the request came from (`aws:SourceIp`).
    pub source_ip: &'a str,
    /// Whether the request came over TLS (`aws:SecureTransport`).
    pub secure_transport: bool,
    /// What the attestation document of a request with `Recipient` gives: condition keys (`kms:RecipientAttestation:...`) and their values.
    pub recipient_attestation: &'a [(String, String)],
}

/// Whether `principal` may do `action` (such as `kms:Encrypt`) on `resource`.
///
/// Fails with `AccessDeniedException`, worded as IAM words it (KMS core digest 4.7).
pub fn authorize<T: Resource>(
    principal: &Principal,
    action: &str,
    resource: T,
    _context: &RequestContext<'_>,
) -> Result<Authorized<T>, KmsError> {
    if *resource.owner() == principal.account {
        return Ok(Authorized(resource));
    }
    Err(access_denied(principal, action, &resource.resource_name()))
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
    Err(access_denied(principal, "kms:RetireGrant", &grant.key_arn().to_string()))
}

/// The refusal. A key of another account and a key that does not exist must look alike, so whoever cannot name the resource's owner
/// passes the name that the caller used.
pub fn access_denied(principal: &Principal, action: &str, resource_name: &str) -> KmsError {
    KmsError::access_denied(format!(
        "User: {} is not authorized to perform: {action} on resource: {resource_name} because no resource-based policy allows the {action} action",
        principal.arn
    ))
}
