//! Trust policies: who may assume a role.

use std::collections::BTreeMap;

use keystead_core::access::Role;
use keystead_core::operation::{GonePrincipals, PrincipalError};
use keystead_policy::{PolicyDocument, PolicyKind};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::policy_document::{encoded, size_of};
use super::quota::TRUST_POLICY_SIZE;
use crate::constraint::TextRule;
use crate::error::IdentityError;

/// The shape `policyDocumentType`.
const DOCUMENT: TextRule = TextRule { min: 1, max: 131_072, pattern: None };

/// The trust policy of an identity as it is shown, if it has one. Users and roles in it that are gone are shown by their unique IDs, and a
/// policy with such an ID is refused: who gets it, edits it and puts it gives nothing to somebody who has the name of one of them now (IAM User
/// Guide, "AWS JSON policy elements: Principal").
pub(super) async fn shown_trust_policy<T: Identity>(
    gone: &mut GonePrincipals<'_>,
    identity: &T,
) -> Result<Option<String>, IdentityError> {
    Ok(match identity.trust_policy() {
        Some((policy, principals)) => Some(gone.shown_policy(policy, principals).await?),
        None => None,
    })
}

/// What is shown of an identity, with its trust policy, as that is shown, if it has one.
pub(super) fn with_trust_policy(shown: Structure, trust_policy: Option<&str>) -> Structure {
    shown.with_some("AssumeRolePolicyDocument", trust_policy.map(encoded))
}

/// A trust policy that may be stored.
pub(super) struct CheckedTrustPolicy {
    /// Its text.
    pub(super) text: String,
    /// Who the users and roles that it names are; see [`Role::trust_policy_principals`].
    pub(super) principals: BTreeMap<String, String>,
}

impl CheckedTrustPolicy {
    /// Makes it the trust policy of a role.
    pub(super) fn put_into(&self, role: &mut Role) {
        role.trust_policy.clone_from(&self.text);
        role.trust_policy_principals.clone_from(&self.principals);
    }
}

/// A trust policy that a request has. The users and roles that it names are not looked up yet.
pub(super) struct TrustPolicy {
    text: String,
    document: PolicyDocument,
}

impl TrustPolicy {
    /// Takes the parameter of that name. Fails with `MalformedPolicyDocument`, or `LimitExceeded` if it is too long.
    pub(super) fn take(parameters: &mut Parameters, name: &str) -> Result<Self, IdentityError> {
        let text = DOCUMENT.required(parameters, name)?;
        let document = PolicyDocument::parse(&text, PolicyKind::Trust);
        let document = document.map_err(|error| IdentityError::malformed_policy(error.to_string()))?;
        if size_of(&text) as u64 > TRUST_POLICY_SIZE.value {
            return Err(TRUST_POLICY_SIZE.exceeded());
        }
        Ok(Self { text, document })
    }

    /// The policy, once every user and role that it names is found. For callers who are allowed to store it: others are told nothing.
    pub(super) async fn checked(self, call: &Call<'_>) -> Result<CheckedTrustPolicy, IdentityError> {
        match call.kms.unique_ids_of(&self.document).await {
            Ok(principals) => Ok(CheckedTrustPolicy { text: self.text, principals }),
            Err(PrincipalError::Missing(arn)) => {
                let message = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
                Err(IdentityError::malformed_policy(message))
            }
            Err(PrincipalError::Lookup(error)) => Err(error.into()),
        }
    }
}
