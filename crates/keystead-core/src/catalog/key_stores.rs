//! Custom key stores with the way to what is behind them.

use std::sync::Arc;

use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;

use super::{Catalog, LoadedKeyStore, LoadedLink, secret_text};
use crate::access::{Authorized, KmsScope};
use crate::error::KmsError;
use crate::key_store::{CloudHsmKeyStore, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore, KmsUserPasswords};
use crate::port::{ConnectionJob, Entropy, ExternalLink, HsmLink, JobKind, KeyStoreLink, StoreError};
use crate::sealing::{Sealed, SealedRecord};

impl Catalog {
    /// A custom key store with the link to its proxy.
    pub async fn key_store(&self, id: &CustomKeyStoreId) -> Result<Option<Arc<LoadedKeyStore>>, KmsError> {
        let load = async {
            let key_store = self.store.custom_key_store(id).await?;
            key_store.map(|key_store| self.load_key_store(key_store).map(Arc::new)).transpose()
        };
        self.key_stores.get_or_load(id.clone(), load).await
    }

    /// The secret of an external key store's proxy credential, unsealed.
    pub fn proxy_secret(&self, id: &CustomKeyStoreId, external: &ExternalKeyStore) -> Result<SecretString, KmsError> {
        let record = SealedRecord::XksProxyCredential(id.as_str());
        secret_text(self.root_key.open(record, &external.sealed_secret_access_key)?)
    }

    /// What KMS knows of the passwords of `kmsuser`, unsealed.
    pub fn kms_user_passwords(
        &self,
        id: &CustomKeyStoreId,
        cloud_hsm: &CloudHsmKeyStore,
    ) -> Result<KmsUserPasswords, KmsError> {
        let bytes = self.root_key.open(SealedRecord::KmsUserPasswords(id.as_str()), &cloud_hsm.sealed_passwords)?;
        KmsUserPasswords::from_bytes(&bytes)
            .map_err(|_| KmsError::internal(&format!("the sealed passwords of kmsuser for {id} cannot be read")))
    }

    /// Seals what [`Catalog::kms_user_passwords`] opens.
    pub fn seal_kms_user_passwords(
        &self,
        id: &CustomKeyStoreId,
        passwords: &KmsUserPasswords,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let bytes = passwords.to_bytes().map_err(|error| KmsError::internal(&error))?;
        Ok(self.root_key.seal(SealedRecord::KmsUserPasswords(id.as_str()), &bytes, entropy)?)
    }

    /// Makes the link to a custom key store that was read from the store.
    pub fn load_key_store(&self, key_store: CustomKeyStore) -> Result<LoadedKeyStore, KmsError> {
        let link = match &key_store.kind {
            CustomKeyStoreKind::External(external) => {
                LoadedLink::External(KeyStoreLink::External(Arc::new(self.external_link(&key_store, external)?)))
            }
            CustomKeyStoreKind::CloudHsm(cloud_hsm) => {
                let passwords = self.kms_user_passwords(&key_store.id, cloud_hsm)?.all();
                LoadedLink::CloudHsm(Arc::new(hsm_link(&key_store, cloud_hsm, passwords)))
            }
        };
        Ok(LoadedKeyStore { key_store, link })
    }

    fn external_link(&self, key_store: &CustomKeyStore, external: &ExternalKeyStore) -> Result<ExternalLink, KmsError> {
        Ok(ExternalLink {
            custom_key_store_id: Some(key_store.id.clone()),
            region: key_store.region.clone(),
            uri_endpoint: external.uri_endpoint.clone(),
            uri_path: external.uri_path.clone(),
            access_key_id: external.access_key_id.clone(),
            secret_access_key: self.proxy_secret(&key_store.id, external)?,
        })
    }

    /// Adds a custom key store.
    pub async fn insert_key_store(
        &self,
        _: &Authorized<KmsScope>,
        key_store: &CustomKeyStore,
        quota: u64,
    ) -> Result<(), StoreError> {
        self.store.insert_custom_key_store(key_store, quota).await
    }

    /// Stores a custom key store that was read at its revision.
    pub async fn update_key_store(&self, key_store: &CustomKeyStore) -> Result<(), StoreError> {
        let result = self.store.update_custom_key_store(key_store).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Stores a custom key store's new state together with the job that follows from it.
    pub async fn start_connection_job(
        &self,
        _: &Authorized<KmsScope>,
        key_store: &CustomKeyStore,
        kind: JobKind,
        due: keystead_model::Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.store.start_connection_job(key_store, kind, due).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Stores the end of a job.
    pub async fn finish_connection_job(
        &self,
        key_store: &CustomKeyStore,
        job: &ConnectionJob,
    ) -> Result<(), StoreError> {
        let result = self.store.finish_connection_job(key_store, job).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Deletes a custom key store.
    pub async fn delete_key_store(
        &self,
        _: &Authorized<KmsScope>,
        id: &CustomKeyStoreId,
        revision: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.delete_custom_key_store(id, revision).await;
        self.key_stores.invalidate(id);
        result
    }
}

/// The link to the HSMs of a key store. Closing one needs no passwords.
pub(crate) fn hsm_link(
    key_store: &CustomKeyStore,
    cloud_hsm: &CloudHsmKeyStore,
    passwords: Vec<SecretString>,
) -> HsmLink {
    HsmLink {
        custom_key_store_id: key_store.id.clone(),
        account: key_store.account,
        region: key_store.region.clone(),
        cluster_id: cloud_hsm.cluster_id.clone(),
        trust_anchor: cloud_hsm.trust_anchor.clone(),
        passwords,
    }
}
