//! What is the same of all that IAM keeps: it is found by what a request says, authorized by its ARN and its tags, made, and changed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use async_trait::async_trait;
use keystead_core::access::{Authorized, NoConditionKeys, RequestConditionKeys, Resource, resource_tag};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use keystead_policy::ContextValue;
use keystead_query::Parameters;

use super::call::Call;
use super::quota::Quota;
use crate::error::IdentityError;

/// A user, a group, a role, a managed policy of an account, or an OpenID Connect provider.
#[async_trait]
pub(crate) trait Entity: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// How many an account may have.
    const QUOTA: Quota;
    /// What no two of an account have in common.
    const UNIQUE: UniqueConstraint;
    /// Why one that others refer to is not deleted.
    const REFERENCED: &'static str;

    /// Takes which one a request means: its key, by which it is found in its account.
    fn take_key(call: &Call<'_>, parameters: &mut Parameters) -> Result<String, IdentityError>;
    /// The ARN that is authorized where there is none of that key.
    fn arn_of_missing(account: &AccountId, key: &str) -> String;
    /// For one that is not there.
    fn not_found(account: &AccountId, key: &str) -> IdentityError;

    fn account(&self) -> &AccountId;
    fn key(&self) -> Cow<'_, str>;
    fn arn(&self) -> String;
    /// `None` of what can have no tags.
    fn tags(&self) -> Option<&BTreeMap<String, String>>;
    fn permissions_boundary(&self) -> Option<&str> {
        None
    }
    /// Whether what is stored by its key is this one: one that was deleted and made again is another.
    fn is_still(&self, stored: &Self) -> bool;

    /// For a new one whose key is taken.
    fn already_exists(&self) -> IdentityError;
    /// For a change that needs something else which is not there any more.
    fn reference_is_gone(&self) -> IdentityError {
        StoreError::NotFound.into()
    }
    /// Fails with `DeleteConflict` while it has what must go first.
    fn check_deletable(&self) -> Result<(), IdentityError> {
        Ok(())
    }

    async fn read(store: &dyn Store, account: &AccountId, key: &str) -> Result<Option<Self>, StoreError>;
    /// Stores a new one, if the account has fewer than `quota` and none of its key.
    async fn insert(&self, store: &dyn Store, quota: u64) -> Result<(), StoreError>;
    /// Stores it, if its revision is the stored one.
    async fn update(&self, store: &dyn Store) -> Result<(), StoreError>;
    /// Deletes it, if its revision is the stored one.
    async fn delete(&self, store: &dyn Store) -> Result<(), StoreError>;
}

/// An entity as authorization sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Subject<T>(T);

impl<T> Deref for Subject<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Entity> Resource for Subject<T> {
    fn owner(&self) -> &AccountId {
        self.0.account()
    }

    fn resource_name(&self) -> String {
        self.0.arn()
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        if key == "iam:permissionsboundary" {
            return self.0.permissions_boundary().map(ContextValue::from);
        }
        resource_tag(key, self.0.tags()?)
    }
}

impl Call<'_> {
    /// The entity of that key, if the caller may do the operation on it. What is not there is `NoSuchEntity` only to those who may do it on
    /// [`Entity::arn_of_missing`].
    pub(crate) async fn authorized<T: Entity>(&self, key: &str) -> Result<Authorized<Subject<T>>, IdentityError> {
        self.authorized_with(key, &NoConditionKeys).await
    }

    /// The same where the request tells policies something.
    pub(crate) async fn authorized_with<T: Entity>(
        &self,
        key: &str,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<Subject<T>>, IdentityError> {
        let account = self.account();
        match T::read(self.store(), &account, key).await? {
            Some(entity) => self.authorize_on(Subject(entity), keys),
            None => {
                self.authorize_with(T::arn_of_missing(&account, key), keys)?;
                Err(T::not_found(&account, key))
            }
        }
    }

    /// Stores a new entity.
    pub(crate) async fn insert<T: Entity>(&self, entity: &T) -> Result<(), IdentityError> {
        let inserted = entity.insert(self.store(), T::QUOTA.value).await;
        self.kms.catalog().forget_identities();
        inserted.map_err(|error| match error {
            StoreError::QuotaExceeded { .. } => T::QUOTA.exceeded(),
            StoreError::Duplicate(constraint) if constraint == T::UNIQUE => entity.already_exists(),
            // What its permissions boundary refers to may have gone meanwhile.
            StoreError::NotFound => match entity.permissions_boundary() {
                Some(arn) => {
                    IdentityError::no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
                }
                None => StoreError::NotFound.into(),
            },
            error => error.into(),
        })
    }
}
