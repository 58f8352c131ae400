//! Aliases.

use std::sync::Arc;

use keystead_model::arn::{AccountId, AliasName, Region};

use super::{Catalog, LoadedKey};
use crate::access::{Authorized, Resource};
use crate::error::KmsError;
use crate::key::Alias;
use crate::port::StoreError;

impl Catalog {
    /// An alias.
    pub async fn alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &AliasName,
    ) -> Result<Option<Arc<Alias>>, KmsError> {
        let load = async { Ok(self.store.alias(account, region, name).await?.map(Arc::new)) };
        self.aliases.get_or_load((*account, region.clone(), name.clone()), load).await
    }

    /// Adds an alias, with leave for it and for its key.
    pub async fn insert_alias<T: Resource>(
        &self,
        _: (&Authorized<T>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.insert_alias(alias, quota).await;
        self.forget_alias(alias);
        result
    }

    /// Points an alias at another key, with leave for it, for the key that it leaves, and for the key that it comes to.
    pub async fn update_alias<T: Resource>(
        &self,
        (_, from, _): (&Authorized<T>, &Authorized<Arc<LoadedKey>>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.update_alias(alias, quota).await;
        self.forget_alias(alias);
        self.keys.invalidate(&(alias.region.clone(), from.key.id));
        result
    }

    /// Deletes an alias, with leave for it and for its key.
    pub async fn delete_alias<T: Resource>(
        &self,
        _: (&Authorized<T>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
    ) -> Result<(), StoreError> {
        let result = self.store.delete_alias(&alias.account, &alias.region, &alias.name, alias.revision).await;
        self.forget_alias(alias);
        result
    }

    /// Both ways: the key that an alias leads to, and the aliases that the key has.
    fn forget_alias(&self, alias: &Alias) {
        self.keys.invalidate(&(alias.region.clone(), alias.target_key_id));
        self.aliases.invalidate(&(alias.account, alias.region.clone(), alias.name.clone()));
    }
}
