//! HSM users: what a crypto officer does to them, and what an auditor sees of the keys (AWS CloudHSM User Guide, "HSM users"; digest 5.4).
//!
//! A soft token has two users: its security officer is `admin`, and its one user is `kmsuser`. The users of a cluster are not kept in step
//! by the service: each act is done on every active HSM, or on the one that is named, and tells what came of it on each.

mod act;
mod auditor;
mod key_stores;
mod officer;
mod password;
mod types;

use std::sync::Arc;
use std::time::Duration;

use keystead_pkcs11::LoginHolder;
use keystead_pkcs11::client::Hsm as Driver;
use tokio::time::Instant;

pub use key_stores::ConnectedKeyStores;
pub use types::{HsmKey, HsmKeyList, HsmOutcome, HsmUser, HsmUserList, HsmUserRole, HsmUsersError};

use self::act::already_logged_in;
use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm, ModuleKind};
use crate::records::Stored;

/// How long a token that a crash left half-way may take to answer.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
const SETTLING_INTERVAL: Duration = Duration::from_millis(50);

/// The crypto officer.
const ADMIN: &str = "admin";
/// The crypto user of KMS, the one crypto user that a soft token can have.
const KMSUSER: &str = "kmsuser";

/// Acts on the users and keys of clusters, for people who operate this server. Passwords are the only authority: whoever may call this may
/// act on the clusters of every account.
pub struct HsmUsers {
    cloud_hsm: Arc<CloudHsm>,
    key_stores: Arc<dyn ConnectedKeyStores>,
}

/// A cluster, and the HSMs of it that an act is for.
struct Target {
    stored: Stored<Cluster>,
    hsms: Vec<(Hsm, Arc<Driver>)>,
}

impl Target {
    fn cluster(&self) -> &Cluster {
        &self.stored.value
    }
}

impl HsmUsers {
    /// The users of these clusters.
    pub fn new(cloud_hsm: Arc<CloudHsm>, key_stores: Arc<dyn ConnectedKeyStores>) -> Self {
        Self { cloud_hsm, key_stores }
    }

    /// Refuses what only `kmsuser`, or who takes its place, may do while KMS has it. An HSM that has just restarted does not know yet that
    /// KMS will log in again; the key store does.
    async fn refuse_while_connected(&self, cluster_id: &str) -> Result<(), HsmUsersError> {
        match self.key_stores.any_on(cluster_id).await.map_err(internal)? {
            true => Err(HsmUsersError::Refused(already_logged_in(Some(LoginHolder::Kms)))),
            false => Ok(()),
        }
    }

    /// The cluster and its HSMs that are in service, or the one that is named.
    async fn target(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Target, HsmUsersError> {
        let stored = self.settled_cluster(cluster_id).await?;
        let cluster = &stored.value;
        if let Some(missing) = hsm_id.filter(|id| cluster.hsm(id).is_none()) {
            return Err(HsmUsersError::NotFound(format!("Cluster {cluster_id} has no HSM {missing}.")));
        }
        let wanted = cluster.active_hsms().filter(|hsm| hsm_id.is_none_or(|id| id == hsm.hsm_id));
        let driven = wanted.filter_map(|hsm| Some((hsm.clone(), self.cloud_hsm.driver(cluster, hsm)?)));
        let hsms: Vec<_> = driven.collect();
        if hsms.is_empty() {
            return Err(HsmUsersError::Refused(format!(
                "Cluster {cluster_id} has no active HSM there. Make one with CreateHsm."
            )));
        }
        Ok(Target { stored, hsms })
    }

    /// The cluster, once the background has noted what a crash left open of its tokens.
    async fn settled_cluster(&self, cluster_id: &str) -> Result<Stored<Cluster>, HsmUsersError> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            let found = self.cloud_hsm.records.find::<Cluster>(cluster_id).await.map_err(internal)?;
            let stored = found
                .filter(|stored| !stored.value.is_going())
                .ok_or_else(|| HsmUsersError::NotFound(format!("There is no cluster {cluster_id}.")))?;
            let Some(hsm) = self.cloud_hsm.left_reinitializing(&stored.value) else { return Ok(stored) };
            if Instant::now() >= deadline {
                return Err(HsmUsersError::Refused(format!(
                    "The token of {} was being initialised again and does not answer yet. Try again; the server's log has the cause.",
                    hsm.hsm_id
                )));
            }
            self.cloud_hsm.changed.notify_one();
            tokio::time::sleep(SETTLING_INTERVAL).await;
        }
    }

    /// The same, where the users are managed here.
    async fn own_target(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Target, HsmUsersError> {
        let target = self.target(cluster_id, hsm_id).await?;
        if target.cluster().module.kind == ModuleKind::Foreign {
            return Err(HsmUsersError::Refused(format!(
                "Cluster {cluster_id} was registered: its users belong to the tool of the HSMs' vendor. Manage them there."
            )));
        }
        Ok(target)
    }
}

/// Our own fault. The cause goes to the log.
fn internal(error: impl std::fmt::Display) -> HsmUsersError {
    tracing::error!(%error, "HSM users: internal failure");
    HsmUsersError::Internal(
        "An internal failure kept it from being done. Try again; the server's log has the cause.".to_owned(),
    )
}
