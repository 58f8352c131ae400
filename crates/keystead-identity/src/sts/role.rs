//! The role that a session is to be of: a resource whose policy is its trust policy.

use keystead_core::KmsError;
use keystead_core::access::{AccessRequest, Identity, NamedPrincipal, Resource, Role, SessionPrincipal, authorize};
use keystead_core::port::Store;
use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use keystead_policy::{ContextValue, NamedPolicy, PolicyDocument, PolicyKind};
use keystead_query::Parameters;

use super::text::ROLE_ARN;
use crate::error::IdentityError;

/// What a request names as the role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RoleArn {
    pub(super) text: String,
    pub(super) account: AccountId,
    name: String,
}

impl RoleArn {
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let text = ROLE_ARN.required(parameters, "RoleArn")?;
        let named = NamedPrincipal::parse(&text);
        match named.as_ref().map(|named| (named.account(), named.identity())) {
            Some((account, Identity::Role(path_and_name))) => {
                let name = path_and_name.rsplit('/').next().unwrap_or_default().to_owned();
                Ok(Self { account: *account, name, text })
            }
            _ => Err(IdentityError::validation(format!("{text} is invalid: it is no ARN of a role"))),
        }
    }

    /// The role of exactly this ARN, if there is one.
    pub(super) async fn find(&self, store: &dyn Store) -> Result<Option<AssumableRole>, IdentityError> {
        let role = store.role(&self.account, &self.name).await?.filter(|role| role.arn() == self.text);
        role.map(AssumableRole::new).transpose()
    }
}

/// A role with its trust policy compiled.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct AssumableRole {
    pub(super) role: Role,
    trust_policy: NamedPolicy,
}

impl AssumableRole {
    fn new(role: Role) -> Result<Self, IdentityError> {
        let name = format!("trust policy of role {}", role.role_name);
        // What is stored was read once already, when it was stored.
        let document = PolicyDocument::parse(&role.trust_policy, PolicyKind::Trust)
            .map_err(|error| IdentityError::internal(&format!("the {name} cannot be read: {error}")))?;
        let document = document.bound_to(&role.trust_policy_principals);
        Ok(Self { role, trust_policy: NamedPolicy { name, document } })
    }

    /// Whose session it will be.
    pub(super) fn session_principal(&self, session_name: String) -> SessionPrincipal {
        SessionPrincipal::Role {
            role_name: self.role.role_name.clone(),
            role_id: self.role.role_id.clone(),
            role_arn: self.role.arn(),
            session_name,
        }
    }

    /// Whether all policies together let the caller do the action. Why they do not, callers are not told.
    pub(super) fn allows(&self, request: &AccessRequest<'_>, action: &str) -> Result<bool, IdentityError> {
        match authorize(request, action, self) {
            Ok(_) => Ok(true),
            Err(KmsError { exception: Exception::AccessDenied, .. }) => Ok(false),
            Err(error) => Err(error.into()),
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
        let tag = key.strip_prefix("aws:resourcetag/").or_else(|| key.strip_prefix("iam:resourcetag/"))?;
        let mut tags = self.role.tags.iter();
        tags.find(|(name, _)| name.to_ascii_lowercase() == tag).map(|(_, value)| value.as_str().into())
    }
}
