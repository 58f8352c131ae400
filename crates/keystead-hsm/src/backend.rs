//! The port itself: finds a key store's cluster, and hands the call on.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use keystead_core::key_store::HsmFailure;
use keystead_core::port::{BackingKeyId, HsmBackend, HsmCiphertext, HsmLink};
use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;
use keystead_pkcs11::client::{Hsm, Workers};
use keystead_pkcs11::{Ciphertext, KeyId, Pin};
use zeroize::Zeroizing;

use crate::cluster::Cluster;
use crate::directory::HsmDirectory;
use crate::failure::{Verdict, failure_of};
use crate::key_generation::{self, NewKey};
use crate::member::Member;
use crate::membership::Membership;
use crate::opening;
use crate::settings::HsmBackendSettings;

/// Clusters of PKCS#11 HSMs, each HSM behind a worker.
///
/// Key stores share the [`Workers`] and nothing else. What is known of a key store's cluster is made by its first call, so that a key store
/// which was connected before this process started needs no new connect: the first call logs in.
pub struct HsmClusterBackend {
    workers: Arc<Workers>,
    directory: Arc<dyn HsmDirectory>,
    settings: HsmBackendSettings,
    key_stores: RwLock<HashMap<CustomKeyStoreId, KeyStore>>,
}

/// A key store that was used.
enum KeyStore {
    InUse(Arc<Cluster>),
    /// Disconnected. A call that was on its way meanwhile must not log in again, which would lock out an auditor; it is known by its
    /// password, since each connect makes a new one.
    Closed(Vec<Pin>),
}

impl HsmClusterBackend {
    /// No key store is in use yet.
    pub fn new(workers: Arc<Workers>, directory: Arc<dyn HsmDirectory>, settings: HsmBackendSettings) -> Self {
        Self { workers, directory, settings, key_stores: RwLock::default() }
    }

    fn cluster(&self, link: &HsmLink) -> Result<Arc<Cluster>, HsmFailure> {
        let key_stores = self.key_stores.read().unwrap_or_else(PoisonError::into_inner);
        match key_stores.get(&link.custom_key_store_id) {
            Some(KeyStore::InUse(cluster)) if cluster.membership.cluster_id() == link.cluster_id => Ok(cluster.clone()),
            Some(KeyStore::Closed(passwords)) if has_only(link, passwords) => Err(HsmFailure::Unreachable),
            Some(_) | None => {
                drop(key_stores);
                Ok(self.begin(link, false).1)
            }
        }
    }

    /// Makes what is known of a cluster anew, or, unless it must be new, takes what another call has just made. Returns what was known
    /// before, too.
    fn begin(&self, link: &HsmLink, must_be_new: bool) -> (Option<Arc<Cluster>>, Arc<Cluster>) {
        let mut key_stores = self.key_stores.write().unwrap_or_else(PoisonError::into_inner);
        let before = match key_stores.get(&link.custom_key_store_id) {
            Some(KeyStore::InUse(cluster)) => Some(cluster.clone()),
            Some(KeyStore::Closed(_)) | None => None,
        };
        let same = before.as_ref().filter(|cluster| cluster.membership.cluster_id() == link.cluster_id);
        if let (Some(cluster), false) = (same, must_be_new) {
            return (None, cluster.clone());
        }
        let (directory, workers) = (self.directory.clone(), self.workers.clone());
        let membership = Membership::new(link, directory, workers, self.settings.directory_age_max);
        let cluster = Arc::new(Cluster::new(membership, self.settings.call_timeout));
        key_stores.insert(link.custom_key_store_id.clone(), KeyStore::InUse(cluster.clone()));
        (before, cluster)
    }

    fn end(&self, link: &HsmLink) -> Option<Arc<Cluster>> {
        let passwords = link.passwords.iter().map(|password| Pin::new(password.expose())).collect();
        let mut key_stores = self.key_stores.write().unwrap_or_else(PoisonError::into_inner);
        match key_stores.insert(link.custom_key_store_id.clone(), KeyStore::Closed(passwords)) {
            Some(KeyStore::InUse(cluster)) => Some(cluster),
            Some(KeyStore::Closed(_)) | None => None,
        }
    }

    async fn member(&self, link: &HsmLink, hsm_id: &str) -> Result<Arc<Member>, HsmFailure> {
        let view = self.cluster(link)?.membership.view_now().await?;
        let member = view.active.iter().find(|member| member.hsm_id() == hsm_id);
        member.cloned().ok_or(HsmFailure::Unreachable)
    }
}

/// Whether the link knows no password but these.
fn has_only(link: &HsmLink, passwords: &[Pin]) -> bool {
    link.passwords.iter().all(|password| passwords.iter().any(|known| known.expose() == password.expose()))
}

fn key_id(id: &BackingKeyId) -> KeyId {
    KeyId(id.as_bytes().to_vec())
}

#[async_trait]
impl HsmBackend for HsmClusterBackend {
    async fn open(&self, link: &HsmLink) -> Result<Vec<String>, HsmFailure> {
        let (before, cluster) = self.begin(link, true);
        if let Some(before) = before {
            before.retire().await;
        }
        opening::open(&cluster, link).await
    }

    async fn log_in(&self, link: &HsmLink, hsm_id: &str, password: &SecretString) -> Result<(), HsmFailure> {
        self.member(link, hsm_id).await?.log_in(password).await
    }

    async fn change_password(
        &self,
        link: &HsmLink,
        hsm_id: &str,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), HsmFailure> {
        self.member(link, hsm_id).await?.change_password(old, new).await
    }

    async fn keep_logged_in(&self, link: &HsmLink) {
        // Both failures are answered to whoever uses the key store; here nobody waits for an answer.
        if let Ok(cluster) = self.cluster(link)
            && let Err(failure) = cluster.keep_logged_in(link).await
        {
            tracing::debug!(cluster_id = link.cluster_id, ?failure, "the logins of the cluster cannot be looked at");
        }
    }

    async fn close(&self, link: &HsmLink) {
        if let Some(cluster) = self.end(link) {
            cluster.log_out().await;
        }
    }

    async fn generate_key(&self, link: &HsmLink, backing_key_id: &BackingKeyId, label: &str) -> Result<(), HsmFailure> {
        let key = NewKey { id: key_id(backing_key_id), label: label.to_owned() };
        key_generation::generate(&*self.cluster(link)?, link, &key).await
    }

    async fn destroy_key(&self, link: &HsmLink, backing_key_id: &BackingKeyId) -> Result<bool, HsmFailure> {
        let cluster = self.cluster(link)?;
        let view = cluster.membership.view_now().await?;
        let mut verdict = Verdict::new();
        let members = cluster.log_in_everywhere(link, &view, &mut verdict).await;
        let mut confirmed = 0;
        for answer in key_generation::destroy_at_each(&members, &key_id(backing_key_id)).await {
            match answer {
                Ok(_) => confirmed += 1,
                Err(error) => verdict.add(failure_of(&error)),
            }
        }
        if confirmed == 0 { Err(verdict.failure()) } else { Ok(confirmed == view.active.len() + view.not_active) }
    }

    async fn encrypt(
        &self,
        link: &HsmLink,
        backing_key_id: &BackingKeyId,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<HsmCiphertext, HsmFailure> {
        let id = &key_id(backing_key_id);
        let call = |hsm: Arc<Hsm>| async move { hsm.encrypt(id, plaintext, aad).await };
        let Ciphertext { iv, ciphertext_and_tag } = self.cluster(link)?.route(link, call).await?;
        Ok(HsmCiphertext { initialization_vector: iv, ciphertext_and_tag })
    }

    async fn decrypt(
        &self,
        link: &HsmLink,
        backing_key_id: &BackingKeyId,
        ciphertext: &HsmCiphertext,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        let id = &key_id(backing_key_id);
        let HsmCiphertext { initialization_vector: iv, ciphertext_and_tag } = ciphertext.clone();
        let ciphertext = &Ciphertext { iv, ciphertext_and_tag };
        self.cluster(link)?.route(link, |hsm| async move { hsm.decrypt(id, ciphertext, aad).await }).await
    }

    async fn generate_random(&self, link: &HsmLink, length: usize) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.cluster(link)?.route(link, |hsm| async move { hsm.generate_random(length).await }).await
    }
}
