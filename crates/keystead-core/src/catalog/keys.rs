//! KMS keys with their materials: loaded, changed by compare-and-set, sealed.

use std::sync::Arc;

use keystead_model::arn::{AliasName, KeyId, Region};
use keystead_model::kms::KeySpec;

use super::loaded::compiled_key_policy;
use super::{Catalog, Conflicts, LoadedKey};
use crate::access::{Authorized, KmsScope, Resource};
use crate::error::KmsError;
use crate::key::{Key, KeyMaterial, MaterialId};
use crate::port::{Entropy, StoreError};
use crate::sealing::{Sealed, SealedRecord};

impl Catalog {
    /// A key with its material, ready for use.
    pub async fn key(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        self.keys.get_or_load((region.clone(), *id), self.stored_key(region, id)).await
    }

    /// The same past the cache, for what shows that the cached key is not the newest: another server changed it, and the change feed was
    /// not read since.
    pub(crate) async fn key_afresh(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        self.keys.load_afresh((region.clone(), *id), self.stored_key(region, id)).await
    }

    async fn stored_key(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        match self.store.key(region, id).await? {
            Some(key) => self.load_key(key).await.map(Some),
            None => Ok(None),
        }
    }

    async fn load_key(&self, key: Key) -> Result<Arc<LoadedKey>, KmsError> {
        let arn = key.arn().to_string();
        let mut materials = Vec::with_capacity(key.materials.len());
        for record in &key.materials {
            if let Some(sealed) = &record.sealed {
                materials.push((record.id, self.open_material(key.spec, &arn, &record.id, sealed)?));
            }
        }
        let policy = compiled_key_policy(&arn, &key.policy, &key.policy_principals)?;
        let aliases = self.aliases_of(&key).await?;
        Ok(Arc::new(LoadedKey { key, arn, policy, aliases, materials }))
    }

    /// `None` if there are more than the quota allows.
    async fn aliases_of(&self, key: &Key) -> Result<Option<Vec<AliasName>>, KmsError> {
        let max = usize::try_from(self.aliases_per_key_max).unwrap_or(usize::MAX);
        let aliases = self.store.aliases(&key.account, &key.region, Some(&key.id), None, max.saturating_add(1)).await?;
        Ok((aliases.len() <= max).then(|| aliases.into_iter().map(|alias| alias.name).collect()))
    }

    /// Unseals one material of the key with this ARN.
    pub fn open_material(
        &self,
        spec: KeySpec,
        arn: &str,
        id: &MaterialId,
        sealed: &Sealed,
    ) -> Result<KeyMaterial, KmsError> {
        let name = id.to_string();
        let bytes = self.root_key.open(SealedRecord::KeyMaterial(arn, &name), sealed)?;
        KeyMaterial::restore(spec, bytes)
            .ok_or_else(|| KmsError::internal(&format!("a material of {arn} is not what a key of {spec} has")))
    }

    /// Seals one material for the key with this ARN.
    pub fn seal_material(
        &self,
        arn: &str,
        id: &MaterialId,
        material: &KeyMaterial,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let name = id.to_string();
        let bytes = material.expose().map_err(|error| KmsError::internal(&error))?;
        Ok(self.root_key.seal(SealedRecord::KeyMaterial(arn, &name), &bytes, entropy)?)
    }

    /// Seals a material of the key with the ARN `from` for its related key with the ARN `to`.
    pub fn reseal_material(
        &self,
        from: &str,
        to: &str,
        id: &MaterialId,
        sealed: &Sealed,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let name = id.to_string();
        let bytes = self.root_key.open(SealedRecord::KeyMaterial(from, &name), sealed)?;
        Ok(self.root_key.seal(SealedRecord::KeyMaterial(to, &name), &bytes, entropy)?)
    }

    /// Adds a key.
    pub async fn insert_key(&self, _: &Authorized<KmsScope>, key: &Key, quota: u64) -> Result<(), StoreError> {
        self.store.insert_key(key, quota).await
    }

    /// Reads the key afresh, changes it, and stores it; again from the start if another request was faster.
    ///
    /// `change` sees the stored key and may refuse. A change that changes nothing is not written.
    pub async fn change_key(
        &self,
        loaded: &Authorized<Arc<LoadedKey>>,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut Key) -> Result<(), KmsError> + Send,
    ) -> Result<Key, KmsError> {
        let (region, id) = (&loaded.key.region, &loaded.key.id);
        let mut conflicts = Conflicts::new(entropy);
        loop {
            let Some(stored) = self.store.key(region, id).await? else {
                return Err(KmsError::not_found(format!("Key '{}' does not exist", loaded.arn)));
            };
            let mut key = stored.clone();
            change(&mut key)?;
            if key == stored {
                return Ok(key);
            }
            let result = self.store.update_key(&key).await;
            self.keys.invalidate(&(region.clone(), *id));
            match result {
                Err(StoreError::Conflict) => conflicts.wait().await?,
                other => return other.map(|()| key).map_err(KmsError::from),
            }
        }
    }

    /// The same for a key together with its related keys in other Regions: all are read afresh, changed, and stored in one transaction.
    ///
    /// `change` sees them by Region, and a single-Region key alone.
    pub async fn change_related_keys(
        &self,
        loaded: &Authorized<Arc<LoadedKey>>,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut [Key]) -> Result<(), KmsError> + Send,
    ) -> Result<Vec<Key>, KmsError> {
        let (region, arn) = (&loaded.key.region, &loaded.arn);
        let change_if_there = |keys: &mut [Key]| {
            if !keys.iter().any(|key| key.region == *region) {
                return Err(KmsError::not_found(format!("Key '{arn}' does not exist")));
            }
            change(keys)
        };
        self.change_related_keys_of(&loaded.key, entropy, change_if_there).await
    }

    /// The same for what KMS does by itself. `change` sees no key at all if they are gone.
    pub(crate) async fn change_related_keys_of(
        &self,
        key: &Key,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut [Key]) -> Result<(), KmsError> + Send,
    ) -> Result<Vec<Key>, KmsError> {
        let mut conflicts = Conflicts::new(entropy);
        loop {
            let mut keys = self.store.related_keys(&key.account, &key.id).await?;
            let stored = keys.clone();
            change(&mut keys)?;
            match self.update_keys(&stored, &keys).await {
                Err(StoreError::Conflict) => conflicts.wait().await?,
                other => return other.map(|()| keys).map_err(KmsError::from),
            }
        }
    }

    /// Stores those of `keys` that differ from what was read, in one transaction.
    pub async fn update_keys(&self, stored: &[Key], keys: &[Key]) -> Result<(), StoreError> {
        let changed: Vec<Key> = keys.iter().filter(|key| !stored.contains(key)).cloned().collect();
        if changed.is_empty() {
            return Ok(());
        }
        let result = self.store.update_keys(&changed).await;
        // What a multi-Region key tells of its set is computed from all of it.
        for key in keys {
            self.keys.invalidate(&(key.region.clone(), key.id));
        }
        result
    }

    /// Adds a replica to a multi-Region primary key, with leave for both.
    pub async fn insert_replica<T: Resource>(
        &self,
        _: &Authorized<Arc<LoadedKey>>,
        _: &Authorized<T>,
        primary: &Key,
        replica: &Key,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.insert_replica(primary, replica, quota).await;
        self.invalidate_related(primary);
        result
    }

    fn invalidate_related(&self, key: &Key) {
        self.keys.invalidate(&(key.region.clone(), key.id));
        let Some(set) = &key.multi_region else { return };
        for region in std::iter::once(&set.primary_region).chain(&set.replica_regions) {
            self.keys.invalidate(&(region.clone(), key.id));
        }
    }

    /// Deletes a key and, with it, its aliases.
    pub async fn delete_key(&self, key: &Key) -> Result<(), StoreError> {
        let result = self.store.delete_key(&key.region, &key.id, key.revision).await;
        self.invalidate_related(key);
        self.aliases.invalidate_all();
        self.forget_grants(&key.region, &key.id);
        result
    }
}
