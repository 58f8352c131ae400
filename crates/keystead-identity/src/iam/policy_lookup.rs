//! From the `PolicyArn` of a request to a managed policy, authorized by its ARN and its tags.

use std::collections::BTreeMap;
use std::ops::Deref;

use async_trait::async_trait;
use keystead_core::access::{
    Authorized, AwsManagedPolicy, ManagedPolicy, NoConditionKeys, RequestConditionKeys, Resource, customer_policy_name,
    resource_tag,
};
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;
use keystead_policy::ContextValue;
use keystead_query::Parameters;

use super::call::Call;
use super::names::ARN;
use super::stored::Stored;
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

/// A managed policy of a known ARN as authorization sees it; it need not exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicySubject<T> {
    account: AccountId,
    arn: String,
    tags: BTreeMap<String, String>,
    found: T,
}

impl<T> PolicySubject<T> {
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }
}

impl<T> Deref for PolicySubject<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.found
    }
}

impl<T> Resource for PolicySubject<T> {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        resource_tag(key, &self.tags)
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

/// For a policy that is not there.
fn not_found(arn: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("Policy {arn} was not found."))
}

impl Call<'_> {
    /// The policy of that ARN, if the caller may do the operation on it. To those who may not, one that is not there is forbidden as well.
    pub(crate) async fn authorized_policy(
        &self,
        arn: String,
    ) -> Result<Authorized<PolicySubject<FoundPolicy>>, IdentityError> {
        let account = self.account();
        match FoundPolicy::find(self.store(), &account, &arn).await? {
            Some(found) => {
                let tags = match &found {
                    FoundPolicy::Customer(policy) => policy.tags.clone(),
                    FoundPolicy::Aws(_) => BTreeMap::new(),
                };
                self.authorize_on(PolicySubject { account, arn, tags, found }, &NoConditionKeys)
            }
            None => {
                self.authorize(arn.as_str())?;
                Err(not_found(&arn))
            }
        }
    }

    /// The same for what changes a policy, which those of AWS and of other accounts are safe from. `keys`: what the request tells policies.
    pub(crate) async fn authorized_own_policy(
        &self,
        arn: String,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<PolicySubject<ManagedPolicy>>, IdentityError> {
        let account = self.account();
        match FoundPolicy::find(self.store(), &account, &arn).await? {
            Some(FoundPolicy::Customer(found)) => {
                let tags = found.tags.clone();
                self.authorize_on(PolicySubject { account, arn, tags, found }, keys)
            }
            Some(FoundPolicy::Aws(_)) | None => {
                self.authorize_with(arn.as_str(), keys)?;
                let own = customer_policy_name(&arn).is_some_and(|(owner, _)| owner == account);
                if own { Err(not_found(&arn)) } else { Err(outside()) }
            }
        }
    }

    /// Changes a policy. `change` sees what is stored and may refuse.
    pub(crate) async fn change_policy(
        &self,
        subject: &Authorized<PolicySubject<ManagedPolicy>>,
        change: impl FnMut(&mut ManagedPolicy) -> Result<(), IdentityError> + Send,
    ) -> Result<ManagedPolicy, IdentityError> {
        Ok(self.change_stored(&***subject, change).await??)
    }

    /// Deletes a policy. `check` sees what is stored and may refuse.
    pub(crate) async fn delete_own_policy(
        &self,
        subject: &Authorized<PolicySubject<ManagedPolicy>>,
        check: impl Fn(&ManagedPolicy) -> Result<(), IdentityError> + Send,
    ) -> Result<(), IdentityError> {
        self.delete_stored(&***subject, check).await?.map_err(|error| match error {
            StoreError::Referenced => IdentityError::delete_conflict("Cannot delete a policy attached to entities."),
            StoreError::NotFound => not_found(subject.arn()),
            error => error.into(),
        })
    }
}

#[async_trait]
impl Stored for ManagedPolicy {
    async fn again(&self, store: &dyn Store) -> Result<Self, IdentityError> {
        let stored = store.policy(&self.account, &self.policy_name).await?;
        stored.filter(|stored| stored.policy_id == self.policy_id).ok_or_else(|| not_found(&self.arn()))
    }

    async fn put(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.update_policy(self).await
    }

    async fn remove(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.delete_policy(&self.account, &self.policy_name, self.revision).await
    }
}

/// For a change of what is no policy of the caller's account.
fn outside() -> IdentityError {
    IdentityError::new("AccessDenied", 403, "Policy is outside your own account.")
}
