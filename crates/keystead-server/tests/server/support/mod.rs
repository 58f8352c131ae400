//! A running server, and a client that signs.

pub(crate) mod http1;
pub(crate) mod http2;
mod identity_store;
pub(crate) mod log;
pub(crate) mod ports;
pub(crate) mod presigned;
pub(crate) mod request;
pub(crate) mod services;
mod store;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keystead_core::access::{AccessKey, AccessKeyStatus, User};
use keystead_core::catalog::Catalog;
use keystead_core::kms::Settings;
use keystead_core::port::SystemEntropy;
use keystead_core::quota::{RequestQuotaSettings, ResourceQuotas};
use keystead_core::sealing::{RootKey, SealedRecord};
use keystead_core::{Kms, Ports};
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};
use keystead_server::{Limits, ServeError, Server, ServerConfig, TlsFiles, VpcEndpointNetworks};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use ports::{FixedClock, NoHsms, NoKeyStores, Records};
use services::services;
use store::Identities;

pub(crate) const ACTIVE: &str = "AKIAACTIVEACTIVE2222";
pub(crate) const INACTIVE: &str = "AKIAINACTIVEINACT222";
pub(crate) const EXPIRED: &str = "AKIAEXPIREDEXPIRED22";
/// That of the user [`USER`]; the others are the root user's.
pub(crate) const USERS: &str = "AKIAUSERUSERUSER2222";
/// The secret of all four.
pub(crate) const SECRET: &str = "an example, not a secret";

pub(crate) const USER: &str = "alice";

/// The Regions of the server.
pub(crate) const HOME_REGION: &str = "us-east-1";
pub(crate) const OTHER_REGION: &str = "ap-southeast-2";

/// A server that runs until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) records: Arc<Records>,
    pub(crate) kms: Arc<Kms>,
    pub(crate) store: Arc<Identities>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default(), None).await
    }

    pub(crate) async fn with(limits: Limits, tls: Option<TlsFiles>) -> Self {
        Self::configured(config(SocketAddr::from(([127, 0, 0, 1], 0)), limits, tls)).await
    }

    pub(crate) async fn behind(vpc_endpoints: Vec<VpcEndpointNetworks>) -> Self {
        let config = config(SocketAddr::from(([127, 0, 0, 1], 0)), Limits::default(), None);
        Self::configured(ServerConfig { vpc_endpoints, ..config }).await
    }

    async fn configured(config: ServerConfig) -> Self {
        let records = Arc::new(Records::new());
        let store = Arc::new(identities());
        let kms = Arc::new(kms(records.clone(), store.clone()));
        let server = Server::bind(config, kms.clone(), services(&records)).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        Self { address, records, kms, store, stop: Some(stop), serving }
    }

    /// Why no server starts there.
    pub(crate) async fn start_error(listen: SocketAddr, tls: Option<TlsFiles>) -> String {
        let config = config(listen, Limits::default(), tls);
        let records = Arc::new(Records::new());
        let kms = Arc::new(kms(records.clone(), Arc::new(identities())));
        Server::bind(config, kms, services(&records)).await.err().unwrap().to_string()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Tells the server to stop; it may still serve.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Returns when it has stopped.
    pub(crate) async fn ended(self) -> Result<(), ServeError> {
        self.serving.await.unwrap()
    }
}

fn config(listen: SocketAddr, limits: Limits, tls: Option<TlsFiles>) -> ServerConfig {
    ServerConfig { listen, tls, limits, clock_skew: Duration::from_secs(300), vpc_endpoints: Vec::new() }
}

fn root_key() -> RootKey {
    RootKey::new(&[7; 32]).unwrap()
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

/// The user of [`USERS`]: an administrator.
pub(crate) fn user() -> User {
    let created = Timestamp::from_millis(0);
    let mut user = User::new(account(), "/".to_owned(), USER.to_owned(), "AIDAEXAMPLEEXAMPLE222".to_owned(), created);
    user.policies.managed.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    user
}

fn identities() -> Identities {
    let root_key = root_key();
    let mut keys = [(ACTIVE, AccessKeyStatus::Active, None), (INACTIVE, AccessKeyStatus::Inactive, None), {
        (EXPIRED, AccessKeyStatus::Active, Some(Timestamp::from_millis(FixedClock::UNIX * 1000)))
    }]
    .map(|(id, status, expires)| access_key(&root_key, id, status, expires))
    .to_vec();
    let of_user = access_key(&root_key, USERS, AccessKeyStatus::Active, None);
    keys.push(AccessKey { user_name: Some(USER.to_owned()), user_id: Some(user().user_id), ..of_user });
    Identities::new(keys, user())
}

fn kms(records: Arc<Records>, store: Arc<Identities>) -> Kms {
    let settings = Settings {
        home_region: Region::parse(HOME_REGION).unwrap(),
        other_regions: vec![Region::parse(OTHER_REGION).unwrap()],
        key_transition_min: Duration::ZERO,
        key_maintenance_interval: Duration::from_secs(3600),
        transition_min: Duration::ZERO,
        job_lease: Duration::from_secs(10),
        health_poll_interval: Duration::from_secs(10),
        key_deletion_interval: Duration::from_secs(10),
        change_feed_interval: Duration::from_secs(10),
        key_store_requests_per_second: 1800,
        key_store_probes_per_second: 5,
        resource_quotas: ResourceQuotas::default(),
        request_quotas: RequestQuotaSettings { enabled: false, ..RequestQuotaSettings::default() },
        attestation_roots: Arc::default(),
    };
    let catalog = Catalog::new(store, Arc::new(root_key()));
    let ports = Ports {
        backend: Arc::new(NoKeyStores),
        hsm_backend: Arc::new(NoHsms),
        hsm_clusters: Arc::new(NoHsms),
        audit_log: records,
        clock: Arc::new(FixedClock),
        entropy: Arc::new(SystemEntropy),
    };
    Kms::new(settings, catalog, ports)
}

fn access_key(root_key: &RootKey, id: &str, status: AccessKeyStatus, expires: Option<Timestamp>) -> AccessKey {
    AccessKey {
        access_key_id: id.to_owned(),
        account: account(),
        user_name: None,
        user_id: None,
        sealed_secret: root_key.seal(SealedRecord::SecretAccessKey(id), SECRET.as_bytes(), &SystemEntropy).unwrap(),
        status,
        created: Timestamp::from_millis(0),
        expires,
    }
}
