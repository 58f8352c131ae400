//! The role that a session is to be of: a resource whose policy is its trust policy.

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use keystead_policy::{ContextValue, NamedPolicy, PolicyDocument, PolicyKind};

use super::{AccessRequest, NamedPrincipal, PrincipalName, Resource, Role, SessionPrincipal, authorize, resource_tag};
use crate::error::KmsError;
use crate::port::Store;

/// A role with its trust policy compiled.
#[derive(Clone, PartialEq, Debug)]
pub struct AssumableRole {
    /// The role.
    pub role: Role,
    trust_policy: NamedPolicy,
}

impl AssumableRole {
    /// The role of exactly this ARN, if there is one. Fails if the store does, or if the role's trust policy cannot be read.
    pub async fn find(store: &dyn Store, arn: &str) -> Result<Option<Self>, KmsError> {
        let Some(named) = NamedPrincipal::parse(arn) else { return Ok(None) };
        let PrincipalName::Role(path_and_name) = named.name() else { return Ok(None) };
        let name = path_and_name.rsplit('/').next().unwrap_or_default();
        let role = store.role(named.account(), name).await?.filter(|role| role.arn() == arn);
        role.map(Self::new).transpose()
    }

    fn new(role: Role) -> Result<Self, KmsError> {
        let name = format!("trust policy of {}", role.arn());
        // What is stored was read once already, when it was stored.
        let document = PolicyDocument::parse(&role.trust_policy, PolicyKind::Trust)
            .map_err(|error| KmsError::internal(&format!("the {name} cannot be read: {error}")))?;
        let document = document.bound_to(&role.trust_policy_principals);
        Ok(Self { role, trust_policy: NamedPolicy { name, document } })
    }

    /// Whose session it will be.
    pub fn session_principal(&self, session_name: String) -> SessionPrincipal {
        SessionPrincipal::Role {
            role_name: self.role.role_name.clone(),
            role_id: self.role.role_id.clone(),
            role_arn: self.role.arn(),
            session_name,
        }
    }

    /// Whether all policies together let the caller do the action. Why they do not, callers are not told.
    pub fn allows(&self, request: &AccessRequest<'_>, action: &str) -> Result<bool, KmsError> {
        match authorize(request, action, self) {
            Ok(_) => Ok(true),
            Err(KmsError { exception: Exception::AccessDenied, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Resource for &AssumableRole {
    fn owner(&self) -> &AccountId {
        &self.role.account
    }

    fn resource_name(&self) -> String {
        self.role.arn()
    }

    fn policy(&self) -> Option<&NamedPolicy> {
        Some(&self.trust_policy)
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        resource_tag(key, &self.role.tags)
    }
}
