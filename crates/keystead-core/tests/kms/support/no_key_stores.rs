//! Neither external key stores nor HSMs.

use async_trait::async_trait;
use keystead_core::key_store::{HsmFailure, ProxyFailure};
use keystead_core::port::{
    AttachNetworkError, BackendCiphertext, BackingKeyId, CallMetadata, ExternalKeyMetadata, HsmBackend, HsmCiphertext,
    HsmCluster, HsmClusters, HsmLink, KeyStoreBackend, KeyStoreLink, StoreError,
};
use keystead_model::SecretString;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use zeroize::Zeroizing;

/// No key store is ever reached.
pub struct NoKeyStores;

#[async_trait]
impl KeyStoreBackend for NoKeyStores {
    async fn check_health(&self, _: &KeyStoreLink, _: &CallMetadata<'_>) -> Result<(), ProxyFailure> {
        Err(ProxyFailure::InvalidState)
    }

    async fn key_metadata(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &CallMetadata<'_>,
    ) -> Result<ExternalKeyMetadata, ProxyFailure> {
        Err(ProxyFailure::InvalidState)
    }

    async fn encrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &[u8],
        _: &[u8],
        _: &CallMetadata<'_>,
    ) -> Result<BackendCiphertext, ProxyFailure> {
        Err(ProxyFailure::InvalidState)
    }

    async fn decrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &BackendCiphertext,
        _: &[u8],
        _: &CallMetadata<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ProxyFailure> {
        Err(ProxyFailure::InvalidState)
    }

    fn forget(&self, _: &CustomKeyStoreId) {}
}

/// There are no clusters, and no HSM is ever reached.
pub struct NoHsms;

#[async_trait]
impl HsmBackend for NoHsms {
    async fn open(&self, _: &HsmLink) -> Result<Vec<String>, HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn log_in(&self, _: &HsmLink, _: &str, _: &SecretString) -> Result<(), HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn change_password(
        &self,
        _: &HsmLink,
        _: &str,
        _: &SecretString,
        _: &SecretString,
    ) -> Result<(), HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn keep_logged_in(&self, _link: &HsmLink) {}

    async fn close(&self, _: &HsmLink) {}

    async fn generate_key(&self, _: &HsmLink, _: &BackingKeyId, _: &str) -> Result<(), HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn destroy_key(&self, _: &HsmLink, _: &BackingKeyId) -> Result<bool, HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn encrypt(&self, _: &HsmLink, _: &BackingKeyId, _: &[u8], _: &[u8]) -> Result<HsmCiphertext, HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn decrypt(
        &self,
        _: &HsmLink,
        _: &BackingKeyId,
        _: &HsmCiphertext,
        _: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }

    async fn generate_random(&self, _: &HsmLink, _: usize) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        Err(HsmFailure::ClusterNotFound)
    }
}

#[async_trait]
impl HsmClusters for NoHsms {
    async fn describe_cluster(&self, _: &AccountId, _: &Region, _: &str) -> Result<Option<HsmCluster>, StoreError> {
        Ok(None)
    }

    async fn network_problem(&self, _: &HsmCluster) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn attach_network(&self, _: &HsmCluster, _: &CustomKeyStoreId) -> Result<(), AttachNetworkError> {
        Err(AttachNetworkError::Other("there are no clusters".to_owned()))
    }

    async fn detach_network(&self, _: &AccountId, _: &Region, _: &CustomKeyStoreId) -> Result<(), StoreError> {
        Ok(())
    }
}
