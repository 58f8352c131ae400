//! What users, groups and roles have in common: they are found by name, authorized by ARN, listed by path, and changed.

mod kinds;

use std::collections::BTreeMap;
use std::ops::Deref;

use async_trait::async_trait;
use keystead_core::access::{
    AttachedPolicies, Authorized, NoConditionKeys, RequestConditionKeys, Resource, resource_tag,
};
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;
use keystead_policy::ContextValue;

use super::call::Call;
use super::names::ROOT_PATH;
use super::page::Page;
use super::stored::Stored;
use crate::error::IdentityError;

/// A user, a group or a role.
#[async_trait]
pub(crate) trait Entity: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// What it is, as ARNs have it.
    const KIND: &'static str;

    fn account(&self) -> &AccountId;
    fn name(&self) -> &str;
    fn path(&self) -> &str;
    fn unique_id(&self) -> &str;
    fn arn(&self) -> String;
    /// `None` of what can have no tags.
    fn tags(&self) -> Option<&BTreeMap<String, String>>;
    fn permissions_boundary(&self) -> Option<&str>;
    fn policies(&self) -> &AttachedPolicies;
    fn policies_mut(&mut self) -> &mut AttachedPolicies;

    async fn read(store: &dyn Store, account: &AccountId, name: &str) -> Result<Option<Self>, StoreError>;
    async fn list(
        store: &dyn Store,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError>;
    async fn update(&self, store: &dyn Store) -> Result<(), StoreError>;
    async fn delete(&self, store: &dyn Store) -> Result<(), StoreError>;

    /// For one that is not there.
    fn not_found(name: &str) -> IdentityError {
        IdentityError::no_such_entity(format!("The {} with name {name} cannot be found.", Self::KIND))
    }
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

#[async_trait]
impl<T: Entity> Stored for T {
    async fn again(&self, store: &dyn Store) -> Result<Self, IdentityError> {
        let stored = T::read(store, self.account(), self.name()).await?;
        stored.filter(|stored| stored.unique_id() == self.unique_id()).ok_or_else(|| T::not_found(self.name()))
    }

    async fn put(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.update(store).await
    }

    async fn remove(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.delete(store).await
    }
}

impl Call<'_> {
    /// The entity of that name, if the caller may do the operation on it. What is not there is `NoSuchEntity` only to those who may do it on
    /// what has its name and the path `/`.
    pub(crate) async fn authorized<T: Entity>(&self, name: &str) -> Result<Authorized<Subject<T>>, IdentityError> {
        self.authorized_with(name, &NoConditionKeys).await
    }

    /// The same where the request tells policies something.
    pub(crate) async fn authorized_with<T: Entity>(
        &self,
        name: &str,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<Subject<T>>, IdentityError> {
        match T::read(self.store(), &self.account(), name).await? {
            Some(entity) => self.authorize_on(Subject(entity), keys),
            None => {
                self.authorize_with(self.arn_of::<T>(ROOT_PATH, name), keys)?;
                Err(T::not_found(name))
            }
        }
    }

    /// The ARN of an entity of the caller's account, or with an empty name how those of a path begin.
    pub(crate) fn arn_of<T: Entity>(&self, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{}{path}{name}", self.account(), T::KIND)
    }

    /// Changes an entity. `change` sees what is stored and may refuse. A change that changes nothing is not written.
    pub(crate) async fn change<T: Entity>(
        &self,
        subject: &Authorized<Subject<T>>,
        change: impl FnMut(&mut T) -> Result<(), IdentityError> + Send,
    ) -> Result<T, IdentityError> {
        self.change_entity(&***subject, change).await
    }

    /// The same for operations whose callers must be allowed something on another entity than the one that they change.
    pub(crate) async fn change_entity<T: Entity>(
        &self,
        entity: &T,
        change: impl FnMut(&mut T) -> Result<(), IdentityError> + Send,
    ) -> Result<T, IdentityError> {
        match self.change_stored(entity, change).await? {
            Err(StoreError::NotFound) => Err(self.what_is_gone(entity).await?),
            result => Ok(result?),
        }
    }

    /// Deletes an entity. `check` sees what is stored and may refuse; the store refuses what others refer to, with `referenced`.
    pub(crate) async fn delete<T: Entity>(
        &self,
        subject: &Authorized<Subject<T>>,
        check: impl Fn(&T) -> Result<(), IdentityError> + Send,
        referenced: &'static str,
    ) -> Result<(), IdentityError> {
        self.delete_stored(&***subject, check).await?.map_err(|error| match error {
            StoreError::Referenced => IdentityError::delete_conflict(referenced),
            StoreError::NotFound => T::not_found(subject.name()),
            error => error.into(),
        })
    }

    /// Why the store did not find all that an update needs.
    async fn what_is_gone<T: Entity>(&self, read: &T) -> Result<IdentityError, IdentityError> {
        read.again(self.store()).await?;
        let (kind, name) = (T::KIND, read.name());
        Ok(IdentityError::no_such_entity(format!("A group or policy of the {kind} with name {name} cannot be found.")))
    }

    /// What a page has of the entities whose paths begin so.
    pub(crate) async fn list<T: Entity>(&self, page: &Page<'_>, path_prefix: &str) -> Result<Vec<T>, IdentityError> {
        let mut found: Vec<T> = Vec::new();
        let mut after = page.after().map(str::to_owned);
        loop {
            let batch = T::list(self.store(), &self.account(), after.as_deref(), page.wanted()).await?;
            let is_last = batch.len() < page.wanted();
            after = batch.last().map(|last| last.name().to_owned());
            found.extend(batch.into_iter().filter(|entity| entity.path().starts_with(path_prefix)));
            if is_last || found.len() >= page.wanted() {
                found.truncate(page.wanted());
                return Ok(found);
            }
        }
    }
}
