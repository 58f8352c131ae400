//! Clusters of HSMs put together from their parts: the network around them, the service, the workers, and the way of KMS to them.

mod socket_folder;

use std::sync::Arc;

use keystead_cloudhsm::{CloudHsm, CloudHsmService};
use keystead_core::Kms;
use keystead_core::api_service::{ApiService, ServiceAudit};
use keystead_core::port::{AuditLog, SystemClock, SystemEntropy};
use keystead_core::sealing::RootKey;
use keystead_hsm::HsmClusterBackend;
use keystead_model::arn::Region;
use keystead_network::{Ec2Service, Network};
use keystead_pkcs11::client::Workers;
use keystead_store::SqliteStore;

use crate::Failure;
use crate::admin_socket::{CLOUDHSM_EVENT_SOURCE, Operator};
use crate::config::Config;
use socket_folder::SocketFolder;

/// All that has to do with HSMs in one server.
pub(crate) struct Hsms {
    pub(crate) network: Arc<Network>,
    pub(crate) cloud_hsm: Arc<CloudHsm>,
    pub(crate) backend: Arc<HsmClusterBackend>,
    pub(crate) workers: Arc<Workers>,
    store: Arc<SqliteStore>,
    audit_log: Arc<dyn AuditLog>,
    region: Region,
    _sockets: SocketFolder,
}

impl Hsms {
    /// Puts the parts together. No process is started yet, and no module is looked for: KMS serves whether there are HSMs or not.
    pub(crate) fn new(
        config: &Config,
        store: Arc<SqliteStore>,
        root_key: Arc<RootKey>,
        audit_log: Arc<dyn AuditLog>,
    ) -> Result<Self, Failure> {
        let region = config.region()?;
        let data_folder = config.data_dir.canonicalize()?;
        let sockets = SocketFolder::make(&data_folder)
            .map_err(|error| format!("the folder of the HSM workers' sockets: {error}"))?;
        let workers = Workers::new(config.hsm.workers(sockets.path().to_owned())?);
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let network = Arc::new(Network::new(store.clone(), clock.clone(), entropy.clone(), region.clone()));
        let cloud_hsm = CloudHsm::new(
            config.hsm.cloudhsm(region.clone(), data_folder)?,
            store.clone(),
            network.clone(),
            workers.clone(),
            root_key,
            clock,
            entropy.clone(),
        );
        let backend = HsmClusterBackend::new(workers.clone(), cloud_hsm.clone(), config.hsm.backend());
        Ok(Self {
            network,
            cloud_hsm,
            backend: Arc::new(backend),
            workers,
            store,
            audit_log,
            region,
            _sockets: sockets,
        })
    }

    /// The API of CloudHSM.
    pub(crate) fn cloudhsm_service(&self) -> Arc<dyn ApiService> {
        Arc::new(CloudHsmService::new(self.cloud_hsm.clone(), self.audit(CLOUDHSM_EVENT_SOURCE)))
    }

    /// The API of EC2.
    pub(crate) fn ec2_service(&self) -> Arc<dyn ApiService> {
        Arc::new(Ec2Service::new(self.network.clone(), self.audit(Ec2Service::EVENT_SOURCE)))
    }

    /// Who acts for the operator at the admin socket.
    pub(crate) fn operator(&self, kms: Arc<Kms>) -> Arc<Operator> {
        Arc::new(Operator {
            kms,
            cloud_hsm: self.cloud_hsm.clone(),
            documents: self.store.clone(),
            key_stores: self.store.clone(),
            region: self.region.clone(),
            audit_log: self.audit_log.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        })
    }

    /// Writes the audit records of a service.
    pub(crate) fn audit(&self, event_source: &'static str) -> ServiceAudit {
        ServiceAudit {
            event_source,
            region: self.region.clone(),
            audit_log: self.audit_log.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}
