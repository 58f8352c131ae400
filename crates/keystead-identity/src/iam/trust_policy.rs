//! Trust policies: who may assume a role.

use keystead_core::access::NamedPrincipal;
use keystead_policy::{PolicyDocument, PolicyKind};
use keystead_query::Parameters;

use super::call::Call;
use super::policy_document::size_of;
use super::quota::TRUST_POLICY_SIZE;
use crate::constraint::TextRule;
use crate::error::IdentityError;

/// The shape `policyDocumentType`.
const DOCUMENT: TextRule = TextRule { min: 1, max: 131_072, pattern: None };

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

    /// The text, once every user and role that it names may exist. For callers who are allowed to store it: others are told nothing.
    pub(super) async fn checked(self, call: &Call<'_>) -> Result<String, IdentityError> {
        for arn in self.document.principal_arns() {
            let exists = match NamedPrincipal::parse(arn) {
                Some(principal) => call.kms.principal_may_exist(&principal).await?,
                None => false,
            };
            if !exists {
                let message = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
                return Err(IdentityError::malformed_policy(message));
            }
        }
        Ok(self.text)
    }
}
