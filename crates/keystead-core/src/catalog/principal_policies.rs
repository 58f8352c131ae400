//! From the stored user or role to its compiled policies.

use keystead_policy::{NamedPolicy, PolicyDocument, PolicyKind};

use crate::access::{Account, AttachedPolicies, AwsManagedPolicy, PrincipalPolicies, Role, User, customer_policy_name};
use crate::error::KmsError;
use crate::port::Store;

/// The policies of a user and its groups.
pub(super) async fn of_user(store: &dyn Store, user: &User) -> Result<PrincipalPolicies, KmsError> {
    let mut policies = attached(store, &format!("user {}", user.user_name), &user.policies).await?;
    for group_name in &user.groups {
        if let Some(group) = store.group(&user.account, group_name).await? {
            policies.extend(attached(store, &format!("group {group_name}"), &group.policies).await?);
        }
    }
    Ok(PrincipalPolicies {
        tags: user.tags.clone(),
        policies,
        boundary: boundary(store, user.permissions_boundary.as_deref()).await?,
        sessions_revoked_before: user.sessions_revoked_before,
    })
}

/// The policies of a role.
pub(super) async fn of_role(store: &dyn Store, role: &Role) -> Result<PrincipalPolicies, KmsError> {
    Ok(PrincipalPolicies {
        tags: role.tags.clone(),
        policies: attached(store, &format!("role {}", role.role_name), &role.policies).await?,
        boundary: boundary(store, role.permissions_boundary.as_deref()).await?,
        sessions_revoked_before: role.sessions_revoked_before,
    })
}

/// What there is of an account's root user. No policy is attached to it.
pub(super) fn of_root(account: &Account) -> PrincipalPolicies {
    PrincipalPolicies { sessions_revoked_before: account.sessions_revoked_before, ..PrincipalPolicies::default() }
}

async fn attached(store: &dyn Store, holder: &str, policies: &AttachedPolicies) -> Result<Vec<NamedPolicy>, KmsError> {
    let mut named = Vec::with_capacity(policies.inline.len() + policies.managed.len());
    for (name, document) in &policies.inline {
        named.push(compiled(format!("{holder}, inline policy {name}"), document)?);
    }
    for arn in &policies.managed {
        named.extend(managed(store, arn).await?);
    }
    Ok(named)
}

/// A boundary that cannot be found would be no limit at all.
async fn boundary(store: &dyn Store, arn: Option<&str>) -> Result<Option<NamedPolicy>, KmsError> {
    let Some(arn) = arn else { return Ok(None) };
    match managed(store, arn).await? {
        Some(policy) => Ok(Some(policy)),
        None => Err(KmsError::internal(&format!("the permissions boundary {arn} is gone"))),
    }
}

/// The managed policy with this ARN, if there is such a one.
pub(super) async fn managed(store: &dyn Store, arn: &str) -> Result<Option<NamedPolicy>, KmsError> {
    if let Some(policy) = AwsManagedPolicy::of_arn(arn) {
        return compiled(arn.to_owned(), policy.document).map(Some);
    }
    let Some((account, name)) = customer_policy_name(arn) else { return Ok(None) };
    let Some(policy) = store.policy(&account, name).await? else { return Ok(None) };
    policy.default_document().map(|document| compiled(arn.to_owned(), document)).transpose()
}

/// What is stored was read once already, when it was stored. That it cannot be read again is an error: a policy that is left out might be
/// one that denies.
pub(super) fn compiled(name: String, document: &str) -> Result<NamedPolicy, KmsError> {
    match PolicyDocument::parse(document, PolicyKind::Identity) {
        Ok(document) => Ok(NamedPolicy { name, document }),
        Err(error) => Err(KmsError::internal(&format!("the policy {name} cannot be read: {error}"))),
    }
}
