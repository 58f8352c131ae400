//! The other ports of the Kms under test.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use keystead_core::audit::AuditRecord;
use keystead_core::key_store::{HsmFailure, ProxyFailure};
use keystead_core::port::{
    AttachNetworkError, AuditError, AuditLog, BackendCiphertext, BackingKeyId, CallMetadata, Clock,
    ExternalKeyMetadata, HsmBackend, HsmCiphertext, HsmCluster, HsmClusters, HsmLink, KeyStoreBackend, KeyStoreLink,
    StoreError,
};
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::{SecretString, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// 2026-01-02T03:04:05Z, always.
pub(crate) struct FixedClock;

impl FixedClock {
    pub(crate) const UNIX: i64 = 1_767_323_045;
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Self::UNIX * 1000)
    }
}

/// An audit log in memory. It can be made to hold its writers up, and to panic.
pub(crate) struct Records {
    records: Mutex<Vec<Value>>,
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    written: watch::Sender<usize>,
    panics: AtomicUsize,
}

impl Records {
    pub(crate) fn new() -> Self {
        Self {
            records: Mutex::default(),
            open: watch::Sender::new(true),
            waiting: watch::Sender::new(0),
            written: watch::Sender::new(0),
            panics: AtomicUsize::new(0),
        }
    }

    /// From now on writers wait.
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    /// Writers go on.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// The next so many writes panic.
    pub(crate) fn panic_next(&self, times: usize) {
        self.panics.store(times, Ordering::SeqCst);
    }

    /// Returns once so many writers have come.
    pub(crate) async fn arrived(&self, count: usize) {
        reached(&self.waiting, count).await;
    }

    /// Returns once so many records are written, with all of them.
    pub(crate) async fn written(&self, count: usize) -> Vec<Value> {
        reached(&self.written, count).await;
        self.all()
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.records.lock().unwrap().clone()
    }
}

/// Fails a test that would otherwise wait for ever.
async fn reached(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = counter.wait_for(|reached| *reached >= count);
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("the audit log is not written to").unwrap();
}

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let panics = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(panics.is_err(), "a panic that a test asked for");
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.records.lock().unwrap().push(serde_json::to_value(record).unwrap());
        self.written.send_modify(|written| *written += 1);
        Ok(())
    }
}

/// No key store is ever reached.
pub(crate) struct NoKeyStores;

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
pub(crate) struct NoHsms;

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
