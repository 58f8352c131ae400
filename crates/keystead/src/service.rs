//! The server put together from its parts, and taken down in order.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use keystead_audit::{Durability, FileAuditLog};
use keystead_core::catalog::Catalog;
use keystead_core::port::{Store, StoreError, SystemClock, SystemEntropy};
use keystead_core::sealing::RootKey;
use keystead_core::{Kms, background};
use keystead_private_file::{RootKeyFileError, read_root_key_file};
use keystead_server::Server;
use keystead_store::SqliteStore;
use keystead_xks::XksProxyClient;

use crate::Failure;
use crate::config::Config;
use crate::durable_file::create_folder;
use crate::stop_signal::Stop;

/// A KMS server that listens and does not serve yet.
pub(crate) struct Service {
    server: Server,
    kms: Arc<Kms>,
    store: Arc<SqliteStore>,
    audit_log: Arc<FileAuditLog>,
}

impl Service {
    /// Opens everything that the configuration names, and refuses to start if anything of it is wrong.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let client = XksProxyClient::new(config.proxy_client()?)?;
        let OpenStore { store, root_key } = OpenStore::open(config).await?;
        let durability = if config.audit.fsync { Durability::Fsync } else { Durability::Buffered };
        let audit_log = Arc::new(FileAuditLog::open(&config.audit.file, durability)?);
        let catalog = Catalog::new(store.clone(), root_key);
        let kms = Arc::new(Kms::new(
            config.settings()?,
            catalog,
            Arc::new(client),
            audit_log.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        ));
        let server = Server::bind(config.server(), kms.clone()).await?;
        Ok(Self { server, kms, store, audit_log })
    }

    /// Where KMS listens.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves until the process is told to stop; then finishes the requests in flight and closes log and store.
    pub(crate) async fn serve(self, stop: Stop) -> Result<(), Failure> {
        let background = tokio::spawn(background::run(self.kms));
        let served = self.server.serve(stop.told()).await;
        background.abort();
        self.audit_log.close().await?;
        self.store.close().await;
        Ok(served?)
    }
}

/// The store, and the root key that it was checked against.
pub(crate) struct OpenStore {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) root_key: Arc<RootKey>,
}

impl OpenStore {
    /// Opens the store; a new one is bound to the root key, an old one refuses another.
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
