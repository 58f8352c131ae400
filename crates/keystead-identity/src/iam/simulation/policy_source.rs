//! The user, group or role whose policies are simulated.

use keystead_core::access::{AttachedPolicies, AwsManagedPolicy, Group, Role, User, customer_policy_name};
use keystead_core::port::Store;
use keystead_model::arn::AccountId;

use super::documents::{Documents, SourceType};
use super::simulated_caller::SimulatedCaller;
use crate::error::IdentityError;

/// What an ARN of the caller's account names.
pub(super) enum PolicySource {
    User(User),
    Group(Group),
    Role(Role),
}

impl PolicySource {
    /// Fails with `InvalidInput` for what names no identity of the account, and with `NoSuchEntity`. The texts are unverified.
    pub(super) async fn find(store: &dyn Store, account: &AccountId, arn: &str) -> Result<Self, IdentityError> {
        let unclear = || {
            let message = format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
            IdentityError::invalid_input(message)
        };
        let resource = arn.strip_prefix(&format!("arn:aws:iam::{account}:")).ok_or_else(unclear)?;
        let (kind, _) = resource.split_once('/').ok_or_else(unclear)?;
        let name = resource.rsplit('/').next().unwrap_or_default();
        let found = match kind {
            "user" => store.user(account, name).await?.map(Self::User),
            "group" => store.group(account, name).await?.map(Self::Group),
            "role" => store.role(account, name).await?.map(Self::Role),
            _ => return Err(unclear()),
        };
        found
            .filter(|source| source.arn() == arn)
            .ok_or_else(|| IdentityError::no_such_entity(format!("The policy source {arn} cannot be found.")))
    }

    fn arn(&self) -> String {
        match self {
            Self::User(user) => user.arn(),
            Self::Group(group) => group.arn(),
            Self::Role(role) => role.arn(),
        }
    }

    /// Whether it is a user, and so can be who calls.
    pub(super) fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }

    pub(super) fn caller(&self) -> SimulatedCaller {
        match self {
            Self::User(user) => SimulatedCaller::user(user),
            Self::Group(group) => SimulatedCaller::member(group),
            Self::Role(role) => SimulatedCaller::role(role),
        }
    }

    /// Its policies, and those of a user's groups.
    pub(super) async fn policies(&self, store: &dyn Store) -> Result<Documents, IdentityError> {
        let mut documents = Documents::default();
        match self {
            Self::User(user) => {
                add(store, &mut documents, SourceType::User, &user.user_name, &user.policies).await?;
                for name in &user.groups {
                    if let Some(group) = store.group(&user.account, name).await? {
                        add(store, &mut documents, SourceType::Group, name, &group.policies).await?;
                    }
                }
            }
            Self::Group(group) => {
                add(store, &mut documents, SourceType::Group, &group.group_name, &group.policies).await?;
            }
            Self::Role(role) => add(store, &mut documents, SourceType::Role, &role.role_name, &role.policies).await?,
        }
        Ok(documents)
    }

    /// Its permissions boundary: none or one.
    pub(super) async fn boundary(&self, store: &dyn Store) -> Result<Documents, IdentityError> {
        let mut documents = Documents::default();
        let arn = match self {
            Self::User(user) => user.permissions_boundary.as_deref(),
            Self::Role(role) => role.permissions_boundary.as_deref(),
            Self::Group(_) => None,
        };
        if let Some(arn) = arn {
            add_managed(store, &mut documents, arn).await?;
        }
        Ok(documents)
    }
}

/// Inline policies are named `user_NAME_POLICY` in results, managed ones by their names alone.
async fn add(
    store: &dyn Store,
    documents: &mut Documents,
    kind: SourceType,
    holder: &str,
    policies: &AttachedPolicies,
) -> Result<(), IdentityError> {
    let prefix = match kind {
        SourceType::Group => "group",
        SourceType::Role => "role",
        _ => "user",
    };
    for (name, document) in &policies.inline {
        documents.add(format!("{prefix}_{holder}_{name}"), kind, document.clone())?;
    }
    for arn in &policies.managed {
        add_managed(store, documents, arn).await?;
    }
    Ok(())
}

async fn add_managed(store: &dyn Store, documents: &mut Documents, arn: &str) -> Result<(), IdentityError> {
    if let Some(policy) = AwsManagedPolicy::of_arn(arn) {
        return documents.add(policy.name.to_owned(), SourceType::AwsManaged, policy.document.to_owned());
    }
    let gone = || IdentityError::internal(&format!("the policy {arn}, which something refers to, is gone"));
    let (account, name) = customer_policy_name(arn).ok_or_else(gone)?;
    let policy = store.policy(&account, name).await?.ok_or_else(gone)?;
    let document = policy.default_document().ok_or_else(gone)?;
    documents.add(policy.policy_name.clone(), SourceType::UserManaged, document.to_owned())
}
