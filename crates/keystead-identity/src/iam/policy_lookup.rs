//! From the `PolicyArn` of a request to a managed policy, authorized by its ARN and its tags, and changed by reading it, changing it and
//! storing it if nobody else did.

use std::collections::BTreeMap;
use std::ops::Deref;

use keystead_core::access::{
    Authorized, AwsManagedPolicy, ManagedPolicy, NoConditionKeys, RequestConditionKeys, Resource, customer_policy_name,
};
use keystead_core::catalog::Conflicts;
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;
use keystead_policy::ContextValue;
use keystead_query::Parameters;

use super::call::Call;
use super::names::ARN;
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
        let tag = key.strip_prefix("aws:resourcetag/").or_else(|| key.strip_prefix("iam:resourcetag/"))?;
        let mut tags = self.tags.iter();
        tags.find(|(name, _)| name.to_ascii_lowercase() == tag).map(|(_, value)| value.as_str().into())
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

    /// Reads a policy afresh, changes it, and stores it; again from the start if another request was faster.
    ///
    /// `change` sees what is stored and may refuse. A change that changes nothing is not written.
    pub(crate) async fn change_policy(
        &self,
        subject: &Authorized<PolicySubject<ManagedPolicy>>,
        mut change: impl FnMut(&mut ManagedPolicy) -> Result<(), IdentityError> + Send,
    ) -> Result<ManagedPolicy, IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = self.policy_again(subject).await?;
            let mut policy = stored.clone();
            change(&mut policy)?;
            if policy == stored {
                return Ok(policy);
            }
            match self.store().update_policy(&policy).await {
                Err(StoreError::Conflict) => conflicts.wait().await.map_err(|_| StoreError::Conflict)?,
                result => {
                    self.kms.catalog().forget_identities();
                    return result.map(|()| policy).map_err(IdentityError::from);
                }
            }
        }
    }

    /// Deletes a policy; again from the start if another request changed it meanwhile. `check` sees what is stored and may refuse.
    pub(crate) async fn delete_own_policy(
        &self,
        subject: &Authorized<PolicySubject<ManagedPolicy>>,
        check: impl Fn(&ManagedPolicy) -> Result<(), IdentityError> + Send,
    ) -> Result<(), IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = self.policy_again(subject).await?;
            check(&stored)?;
            match self.store().delete_policy(&stored.account, &stored.policy_name, stored.revision).await {
                Err(StoreError::Conflict) => conflicts.wait().await.map_err(|_| StoreError::Conflict)?,
                result => {
                    self.kms.catalog().forget_identities();
                    return match result {
                        Err(StoreError::Referenced) => {
                            Err(IdentityError::delete_conflict("Cannot delete a policy attached to entities."))
                        }
                        Err(StoreError::NotFound) => Err(not_found(subject.arn())),
                        other => other.map_err(IdentityError::from),
                    };
                }
            }
        }
    }

    /// What is stored now. One that was deleted and made again is another.
    async fn policy_again(
        &self,
        subject: &Authorized<PolicySubject<ManagedPolicy>>,
    ) -> Result<ManagedPolicy, IdentityError> {
        let stored = self.store().policy(&subject.account, &subject.policy_name).await?;
        stored.filter(|stored| stored.policy_id == subject.policy_id).ok_or_else(|| not_found(subject.arn()))
    }
}

/// For a change of what is no policy of the caller's account.
fn outside() -> IdentityError {
    IdentityError::new("AccessDenied", 403, "Policy is outside your own account.")
}
