//! The server put together from its parts, and taken down in order.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keystead_audit::FileAuditLog;
use keystead_core::catalog::Catalog;
use keystead_core::kms::Ports;
use keystead_core::port::{Store, StoreError, SystemClock, SystemEntropy};
use keystead_core::sealing::RootKey;
use keystead_core::{Kms, background};
use keystead_identity::{IamService, StsService};
use keystead_oidc::Issuers;
use keystead_private_file::{RootKeyFileError, read_root_key_file};
use keystead_server::{Server, Services};
use keystead_store::SqliteStore;
use keystead_xks::XksProxyClient;

use crate::Failure;
use crate::admin_socket::AdminSocket;
use crate::config::Config;
use crate::durable_file::create_folder;
use crate::hsms::Hsms;
use crate::stop_signal::Stop;

/// A KMS server that listens and does not serve yet.
pub(crate) struct Service {
    server: Server,
    kms: Arc<Kms>,
    hsms: Arc<Hsms>,
    store: Arc<SqliteStore>,
    audit_log: Arc<FileAuditLog>,
    admin_socket: AdminSocket,
    shutdown_grace: Duration,
}

impl Service {
    /// Opens everything that the configuration names, and refuses to start if anything of it is wrong.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let client = XksProxyClient::new(config.proxy_client()?)?;
        let issuers = Arc::new(config.issuers()?);
        let OpenStore { store, root_key } = OpenStore::open(config).await?;
        let audit_log = Arc::new(FileAuditLog::open(&config.audit.file, config.audit.durability())?);
        let admin_socket = AdminSocket::bind(&config.data_dir)
            .map_err(|error| format!("data_dir {}: {error}", config.data_dir.display()))?;
        let hsms = Arc::new(Hsms::new(config, store.clone(), root_key.clone(), audit_log.clone())?);
        let ports = Ports {
            backend: Arc::new(client),
            hsm_backend: hsms.backend.clone(),
            hsm_clusters: hsms.cloud_hsm.clone(),
            audit_log: audit_log.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let kms = Arc::new(Kms::new(config.settings()?, Catalog::new(store.clone(), root_key), ports));
        let server = Server::bind(config.server(), kms.clone(), services(&kms, &hsms, issuers)).await?;
        let shutdown_grace = config.limits.shutdown_grace();
        Ok(Self { server, kms, hsms, store, audit_log, admin_socket, shutdown_grace })
    }

    /// Where KMS listens.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The key management service.
    pub(crate) fn kms(&self) -> Arc<Kms> {
        self.kms.clone()
    }

    /// The clusters of HSMs.
    pub(crate) fn hsms(&self) -> Arc<Hsms> {
        self.hsms.clone()
    }

    /// Serves until the process is told to stop; then finishes the requests in flight, ends the HSMs' workers, and closes log and store.
    /// Ends in the same way, and fails, if the store turns out to be damaged.
    ///
    /// `beside` runs once requests are served, until it is done or the end has come.
    pub(crate) async fn serve(
        self,
        stop: Stop,
        beside: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        let operator = self.hsms.operator(self.kms.clone());
        let operator = self.admin_socket.serve(move |request, uid| {
            let operator = operator.clone();
            async move { operator.act(request, uid).await }
        });
        let background = [
            tokio::spawn(background::run(self.kms.clone())),
            tokio::spawn(self.hsms.cloud_hsm.clone().run_background()),
            tokio::spawn(beside),
        ];
        let served = self.server.serve(told_or_damaged(stop, self.store.clone())).await;
        operator.stop(self.shutdown_grace).await;
        for task in &background {
            task.abort();
        }
        // Whatever the tasks were doing has stopped when they are gone: nothing starts a worker, or writes to the store, any more.
        for task in background {
            // An abort is what is waited for.
            let _ = task.await;
        }
        store_last_usages(&self.kms, self.shutdown_grace).await;
        self.hsms.workers.shut_down().await;
        self.audit_log.close().await?;
        self.store.close().await;
        self.store.checked().await?;
        Ok(served?)
    }
}

/// The services that are served beside KMS.
fn services(kms: &Arc<Kms>, hsms: &Hsms, issuers: Arc<Issuers>) -> Services {
    let iam = Arc::new(IamService::new(kms.clone(), hsms.audit(IamService::EVENT_SOURCE)));
    let sts = Arc::new(StsService::new(kms.clone(), hsms.audit(StsService::EVENT_SOURCE), issuers));
    Services { cloudhsm: hsms.cloudhsm_service(), ec2: hsms.ec2_service(), iam, sts }
}

/// Stores what is known of the use of keys in memory alone. A store that is still being checked takes it later than anybody should wait.
async fn store_last_usages(kms: &Kms, limit: Duration) {
    match tokio::time::timeout(limit, kms.store_last_usages()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last usages of the last seconds could not be stored"),
        Err(_) => tracing::warn!("the store did not take the last usages of the last seconds in time"),
    }
}

/// Returns once the process is told to stop, or the check of a large store has failed.
async fn told_or_damaged(stop: Stop, store: Arc<SqliteStore>) {
    let damaged = async {
        if store.checked().await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = stop.told() => {}
        () = damaged => {}
    }
}

/// The store, and the root key that it was checked against.
pub(crate) struct OpenStore {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) root_key: Arc<RootKey>,
}

impl OpenStore {
    /// Opens the store that is there, and fails if there is none.
    pub(crate) async fn open_existing(config: &Config) -> Result<Self, Failure> {
        if !Self::exists(config) {
            return Err(format!(
                "there is no store in {} yet: make the first account with `admin accounts create`, or correct data_dir",
                config.data_dir.display()
            )
            .into());
        }
        Self::open(config).await
    }

    /// Whether there is a store. Where that cannot be told it counts as one: opening it says what is wrong.
    pub(crate) fn exists(config: &Config) -> bool {
        config.store_file().try_exists().unwrap_or(true)
    }

    /// Opens the store, or makes one; a new one is bound to the root key, an old one refuses another.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let root_key_file = &config.root_key.file;
        let bytes = read_root_key_file(root_key_file).map_err(with_remedy)?;
        let root_key = RootKey::new(&bytes).ok_or("the root key has a wrong length")?;
        create_folder(&config.data_dir).map_err(|error| {
            format!(
                "data_dir {}: {error}; it must be a folder, or a path at which one can be made",
                config.data_dir.display()
            )
        })?;
        let store = SqliteStore::open(&config.store_file()).await?;
        let check = match store.root_key_check().await? {
            Some(check) => check,
            None => bind(&store, &root_key).await?,
        };
        if !root_key.passes_check(&check) {
            return Err(format!(
                "root key file {}: this is not the root key that the store {} was sealed under; put the right file in place, or restore the store that goes with it",
                root_key_file.display(),
                config.store_file().display()
            )
            .into());
        }
        Ok(Self { store: Arc::new(store), root_key: Arc::new(root_key) })
    }
}

/// What to do about a root key file that is not there. Never simply to make one: a store that exists needs its own.
fn with_remedy(error: RootKeyFileError) -> Failure {
    match &error {
        RootKeyFileError::File { source, .. } if source.kind() == ErrorKind::NotFound => format!(
            "{error}; correct root_key.file, restore the file from its backup, or, for a new installation, make one with `keystead \
             root-key create FILE`"
        )
        .into(),
        _ => error.into(),
    }
}

/// Stores the check value of a new store. Another process may do the same at the same time: the first one wins.
async fn bind(store: &SqliteStore, root_key: &RootKey) -> Result<keystead_core::sealing::Sealed, Failure> {
    match store.set_root_key_check(&root_key.make_check(&SystemEntropy)?).await {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    store.root_key_check().await?.ok_or_else(|| "the store lost its root key check value".into())
}
