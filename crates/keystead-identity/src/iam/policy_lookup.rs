//! From the `PolicyArn` of a request to a managed policy, authorized by its ARN and its tags.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use async_trait::async_trait;
use keystead_core::access::{
    Authorized, AwsManagedPolicy, ManagedPolicy, NoConditionKeys, Resource, customer_policy_name, resource_tag,
};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use keystead_policy::ContextValue;
use keystead_query::Parameters;

use super::call::Call;
use super::entity::Entity;
use super::names::ARN;
use super::quota::{self, Quota};
use crate::error::IdentityError;

/// A managed policy that there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FoundPolicy {
    /// One of the caller's account.
    Customer(ManagedPolicy),
    /// One of AWS.
    Aws(&'static AwsManagedPolicy),
}

impl FoundPolicy {
    /// The one of that ARN, of AWS or of the account.
    pub(crate) async fn find(store: &dyn Store, account: &AccountId, arn: &str) -> Result<Option<Self>, StoreError> {
        if let Some(policy) = AwsManagedPolicy::of_arn(arn) {
            return Ok(Some(Self::Aws(policy)));
        }
        let Some((owner, name)) = customer_policy_name(arn) else { return Ok(None) };
        if owner != *account {
            return Ok(None);
        }
        let policy = store.policy(account, name).await?;
        Ok(policy.filter(|policy| policy.arn() == arn).map(Self::Customer))
    }
}

/// A managed policy that there is as authorization sees it. Those of AWS are authorized in the caller's account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicySubject {
    account: AccountId,
    arn: String,
    found: FoundPolicy,
}

impl PolicySubject {
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }
}

impl Deref for PolicySubject {
    type Target = FoundPolicy;

    fn deref(&self) -> &FoundPolicy {
        &self.found
    }
}

impl Resource for PolicySubject {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        match &self.found {
            FoundPolicy::Customer(policy) => resource_tag(key, &policy.tags),
            FoundPolicy::Aws(_) => None,
        }
    }
}

/// Takes an ARN of a managed policy. Fails with `InvalidInput` for what is none.
pub(crate) fn take_policy_arn(parameters: &mut Parameters, name: &str) -> Result<String, IdentityError> {
    let arn = ARN.required(parameters, name)?;
    let of_policy = customer_policy_name(&arn).is_some_and(|(_, name)| !name.is_empty());
    if of_policy || arn.starts_with("arn:aws:iam::aws:policy/") {
        return Ok(arn);
    }
    Err(IdentityError::invalid_input(format!("ARN {arn} is not valid.")))
}

impl Call<'_> {
    /// The policy of that ARN, of AWS or of the account, if the caller may do the operation on it. To those who may not, one that is not there
    /// is forbidden as well.
    pub(crate) async fn authorized_policy(&self, arn: String) -> Result<Authorized<PolicySubject>, IdentityError> {
        let account = self.account();
        match FoundPolicy::find(self.store(), &account, &arn).await? {
            Some(found) => self.authorize_on(PolicySubject { account, arn, found }, &NoConditionKeys),
            None => {
                self.authorize(arn.as_str())?;
                Err(not_found(&arn))
            }
        }
    }
}

/// For a policy that is not there.
fn not_found(arn: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("Policy {arn} was not found."))
}

/// The managed policies of accounts, by their ARNs. Those of AWS and of other accounts are none that an operation changes.
#[async_trait]
impl Entity for ManagedPolicy {
    const QUOTA: Quota = quota::POLICIES;
    const UNIQUE: UniqueConstraint = UniqueConstraint::PolicyName;
    const REFERENCED: &'static str = "Cannot delete a policy attached to entities.";

    fn take_key(_: &Call<'_>, parameters: &mut Parameters) -> Result<String, IdentityError> {
        take_policy_arn(parameters, "PolicyArn")
    }

    fn arn_of_missing(_: &AccountId, arn: &str) -> String {
        arn.to_owned()
    }

    fn not_found(account: &AccountId, arn: &str) -> IdentityError {
        if customer_policy_name(arn).is_some_and(|(owner, _)| owner == *account) {
            return not_found(arn);
        }
        IdentityError::new("AccessDenied", 403, "Policy is outside your own account.")
    }

    fn account(&self) -> &AccountId {
        &self.account
    }

    fn key(&self) -> Cow<'_, str> {
        Cow::Owned(self.arn())
    }

    fn arn(&self) -> String {
        ManagedPolicy::arn(self)
    }

    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.tags)
    }

    fn is_still(&self, stored: &Self) -> bool {
        stored.policy_id == self.policy_id
    }

    fn already_exists(&self) -> IdentityError {
        let name = &self.policy_name;
        IdentityError::already_exists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        ))
    }

    fn check_deletable(&self) -> Result<(), IdentityError> {
        if self.versions.len() == 1 {
            return Ok(());
        }
        Err(IdentityError::delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ))
    }

    async fn read(store: &dyn Store, account: &AccountId, arn: &str) -> Result<Option<Self>, StoreError> {
        Ok(match FoundPolicy::find(store, account, arn).await? {
            Some(FoundPolicy::Customer(policy)) => Some(policy),
            Some(FoundPolicy::Aws(_)) | None => None,
        })
    }

    async fn insert(&self, store: &dyn Store, quota: u64) -> Result<(), StoreError> {
        store.insert_policy(self, quota).await
    }

    async fn update(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.update_policy(self).await
    }

    async fn delete(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.delete_policy(&self.account, &self.policy_name, self.revision).await
    }
}
