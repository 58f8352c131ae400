//! Clusters for tests.

mod certificates;
mod directory;
mod module;
mod worker_signals;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::{BackingKeyId, HsmBackend, HsmLink};
use keystead_hsm::{HsmBackendSettings, HsmClusterBackend};
use keystead_model::SecretString;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_pkcs11::client::{Hsm, HsmSettings, WorkerSettings, Workers};
use keystead_pkcs11::soft_token::SoftToken;
use keystead_pkcs11::{KeyId, LoginHolder, Pin};
use tempfile::TempDir;

pub(crate) use certificates::{CERTIFICATES, IMPOSTOR};
pub(crate) use directory::{CLUSTER, Directory};
pub(crate) use module::{Module, on_both_modules};
pub(crate) use worker_signals::{kill_worker, pause_worker};

pub(crate) const A: &str = "hsm-a";
pub(crate) const B: &str = "hsm-b";
pub(crate) const PASSWORD: &str = "Passw0rd";

/// A cluster of one key store.
pub(crate) struct Rig {
    pub(crate) module: Module,
    pub(crate) folder: TempDir,
    pub(crate) directory: Arc<Directory>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) backend: Arc<HsmClusterBackend>,
    call_timeout: Duration,
}

impl Rig {
    /// Two active HSMs in two zones, each with `kmsuser`; the key store is not connected.
    pub(crate) async fn new(module: Module) -> Self {
        Self::with_call_timeout(module, Duration::from_secs(10)).await
    }

    pub(crate) async fn with_call_timeout(module: Module, call_timeout: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workers = Workers::new(worker_settings(folder.path(), call_timeout));
        let directory = Arc::new(Directory::default());
        let backend = backend(&workers, &directory, call_timeout);
        let rig = Self { module, folder, directory, workers, backend, call_timeout };
        for (hsm_id, zone) in [(A, "us-east-1a"), (B, "us-east-1b")] {
            rig.add_hsm(hsm_id, zone).await;
            rig.hsm(hsm_id).initialize_user_pin(&so_pin(), &Pin::new(PASSWORD)).await.unwrap();
        }
        rig
    }

    /// The same, connected.
    pub(crate) async fn connected(module: Module) -> Self {
        let rig = Self::new(module).await;
        rig.connect().await.unwrap();
        rig
    }

    /// A new HSM without a user.
    pub(crate) async fn add_hsm(&self, hsm_id: &str, zone: &str) {
        let token = SoftToken::create(self.module.kind(), &self.folder.path().join(hsm_id)).unwrap();
        let mut settings = self.settings(hsm_id, token);
        let hsm = self.workers.hsm(settings.clone());
        hsm.status().await.unwrap();
        settings.token_serial = Some(hsm.initialize_token("a token", &so_pin()).await.unwrap());
        self.workers.hsm(settings.clone()).status().await.unwrap();
        self.directory.add(zone, settings);
    }

    /// A new HSM, made of all that another one has.
    pub(crate) async fn add_clone(&self, hsm_id: &str, zone: &str, of: &str) {
        let backup = self.folder.path().join(format!("backup-for-{hsm_id}"));
        self.hsm(of).back_up_token(&backup).await.unwrap();
        let token = SoftToken::restore(self.module.kind(), &self.folder.path().join(hsm_id), &backup).unwrap();
        let serial = self.directory.settings(of).token_serial;
        self.directory.add(zone, HsmSettings { token_serial: serial, ..self.settings(hsm_id, token) });
        self.hsm(hsm_id).status().await.unwrap();
    }

    fn settings(&self, hsm_id: &str, token: SoftToken) -> HsmSettings {
        HsmSettings {
            hsm_id: hsm_id.to_owned(),
            module: self.module.path(),
            profile: self.module.profile(),
            environment: token.environment,
            token_label: None,
            token_serial: None,
            token_storage: Some(token.token_storage),
            state_folder: self.folder.path().join(hsm_id).join("state"),
        }
    }

    /// The HSM itself, past the backend.
    pub(crate) fn hsm(&self, hsm_id: &str) -> Arc<Hsm> {
        self.workers.hsm(self.directory.settings(hsm_id))
    }

    /// Steps 6 to 9 of a connect, without a new password.
    pub(crate) async fn connect(&self) -> Result<(), HsmFailure> {
        let link = link(&[PASSWORD]);
        for hsm_id in self.backend.open(&link).await? {
            self.backend.log_in(&link, &hsm_id, &SecretString::from(PASSWORD.to_owned())).await?;
        }
        Ok(())
    }

    /// What a server that was killed comes back as: fresh workers, and a backend that knows nothing.
    pub(crate) async fn restart_server(&mut self) {
        self.workers.shut_down().await;
        self.workers = Workers::new(worker_settings(self.folder.path(), self.call_timeout));
        self.backend = backend(&self.workers, &self.directory, self.call_timeout);
    }

    pub(crate) async fn generate(&self, number: u8) -> BackingKeyId {
        let id = BackingKeyId::from_bytes([number; 16]);
        self.backend.generate_key(&link(&[PASSWORD]), &id, "a key").await.unwrap();
        id
    }

    /// Encrypts, decrypts, compares.
    pub(crate) async fn try_key(&self, id: &BackingKeyId) -> Result<(), HsmFailure> {
        let link = link(&[PASSWORD]);
        let ciphertext = self.backend.encrypt(&link, id, b"plaintext", b"context").await?;
        let plaintext = self.backend.decrypt(&link, id, &ciphertext, b"context").await?;
        assert_eq!(*plaintext, b"plaintext");
        Ok(())
    }

    /// Whether KMS is logged in to an HSM.
    pub(crate) async fn kms_is_logged_in(&self, hsm_id: &str) -> bool {
        self.hsm(hsm_id).status().await.is_ok_and(|status| status.login == Some(LoginHolder::Kms))
    }
}

fn backend(workers: &Arc<Workers>, directory: &Arc<Directory>, call_timeout: Duration) -> Arc<HsmClusterBackend> {
    let settings = HsmBackendSettings { call_timeout: 2 * call_timeout, ..HsmBackendSettings::default() };
    Arc::new(HsmClusterBackend::new(workers.clone(), directory.clone(), settings))
}

fn worker_settings(folder: &Path, call_timeout: Duration) -> WorkerSettings {
    WorkerSettings {
        program: env!("CARGO_BIN_EXE_cluster-worker-for-tests").into(),
        socket_folder: folder.join("run"),
        call_timeout,
        start_timeout: Duration::from_secs(20),
        memory_bytes_max: 1 << 30,
        strikes_max: 5,
        probe_interval: Duration::from_millis(50),
    }
}

/// What the core knows of the key store, with these passwords of `kmsuser`.
pub(crate) fn link(passwords: &[&str]) -> HsmLink {
    HsmLink {
        custom_key_store_id: CustomKeyStoreId::parse("cks-1").unwrap(),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        cluster_id: CLUSTER.to_owned(),
        trust_anchor: CERTIFICATES.trust_anchor.clone(),
        passwords: passwords.iter().map(|password| SecretString::from((*password).to_owned())).collect(),
    }
}

pub(crate) fn so_pin() -> Pin {
    Pin::new("crypto0fficer")
}

pub(crate) fn key_id(id: &BackingKeyId) -> KeyId {
    KeyId(id.as_bytes().to_vec())
}

/// Asks again until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    const PATIENCE: Duration = Duration::from_secs(30);
    let started = std::time::Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "{what}: it did not come to be");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
