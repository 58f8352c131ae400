//! Which clusters KMS is connected to.

use async_trait::async_trait;
use keystead_core::port::{Store, StoreError};

/// Tells whether KMS uses a cluster. A [`Store`] does.
#[async_trait]
pub trait ConnectedKeyStores: Send + Sync + 'static {
    /// Whether a custom key store on this cluster is CONNECTED.
    async fn any_on(&self, cluster_id: &str) -> Result<bool, StoreError>;
}

#[async_trait]
impl<S: Store> ConnectedKeyStores for S {
    async fn any_on(&self, cluster_id: &str) -> Result<bool, StoreError> {
        let connected = self.connected_custom_key_stores().await?;
        Ok(connected
            .iter()
            .filter_map(|key_store| key_store.cloud_hsm())
            .any(|cloud_hsm| cloud_hsm.cluster_id == cluster_id))
    }
}
