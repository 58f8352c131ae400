//! A cluster of HSMs: the aggregate that the store keeps.

mod hsm;
mod module;
mod shown;
pub(crate) mod state;

use std::collections::BTreeMap;

use keystead_core::port::DocumentKind;
use keystead_model::Timestamp;
use keystead_model::cloudhsm::{ClusterMode, ClusterState, HsmState, NetworkType, Tag};
use serde::{Deserialize, Serialize};

pub(crate) use hsm::{Hsm, Token, TokenSource};
pub(crate) use module::{HsmModule, ModuleKind};
pub(crate) use shown::{shown_cluster, shown_hsm};

use crate::records::Aggregate;
use crate::sealed_text::SealedText;
use state::ClusterEvent;

/// A cluster, with its HSMs.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct Cluster {
    pub(crate) cluster_id: String,
    pub(crate) state: ClusterState,
    pub(crate) state_message: Option<String>,
    /// When it came into this state.
    pub(crate) since: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) hsm_type: String,
    pub(crate) mode: ClusterMode,
    pub(crate) network_type: NetworkType,
    pub(crate) vpc_id: String,
    /// Availability Zone to subnet.
    pub(crate) subnets: BTreeMap<String, String>,
    /// `None` until it is made.
    pub(crate) security_group: Option<String>,
    pub(crate) retention_days: u16,
    pub(crate) source_backup_id: Option<String>,
    /// The first password of `admin`, sealed; gone once it was changed.
    pub(crate) pre_co_password: Option<SealedText>,
    pub(crate) identity: ClusterIdentity,
    pub(crate) module: HsmModule,
    /// Those that are not deleted.
    pub(crate) hsms: Vec<Hsm>,
    pub(crate) tags: Vec<Tag>,
    /// When the last backup was begun.
    pub(crate) last_backup: Option<Timestamp>,
}

/// What makes a cluster the one it is. A backup carries it, and with it the backup history.
#[derive(Clone, Default, Serialize, Deserialize, Debug)]
pub(crate) struct ClusterIdentity {
    /// The private key that the certificate is for, sealed, and the cluster that it was made for.
    pub(crate) private_key: Option<ClusterPrivateKey>,
    /// PEM: the signing request, while the owner has not answered it.
    pub(crate) csr: Option<String>,
    /// PEM: by whom the HSM behind the signing request is vouched for.
    pub(crate) hardware: Option<HardwareCertificates>,
    /// PEM: the certificate that the owner signed.
    pub(crate) certificate: Option<String>,
    /// PEM: the root that issued it.
    pub(crate) trust_anchor: Option<String>,
}

/// A sealed private key, and whose it is.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct ClusterPrivateKey {
    pub(crate) sealed: SealedText,
    /// The cluster that it was made for, which sealing authenticates.
    pub(crate) made_for: String,
}

/// Certificates of the first HSM, PEM.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct HardwareCertificates {
    pub(crate) hsm: String,
    pub(crate) aws_hardware: String,
    pub(crate) manufacturer_hardware: String,
}

impl Aggregate for Cluster {
    const KIND: DocumentKind = DocumentKind::HsmCluster;

    fn id(&self) -> &str {
        &self.cluster_id
    }
}

impl Cluster {
    /// Moves along the table; `false`, and nothing changed, where the event cannot happen.
    pub(crate) fn on(&mut self, event: ClusterEvent, now: Timestamp, message: Option<&str>) -> bool {
        let Some(state) = state::next(self.state, event) else { return false };
        self.state = state;
        self.since = now;
        self.state_message = message.map(str::to_owned);
        true
    }

    /// Whether `admin` has a password of its own, and KMS may use the cluster.
    pub(crate) fn is_active(&self) -> bool {
        state::is_active(self.state)
    }

    /// Whether it is deleted, or about to be.
    pub(crate) fn is_going(&self) -> bool {
        matches!(self.state, ClusterState::DeleteInProgress | ClusterState::Deleted)
    }

    pub(crate) fn hsm(&self, hsm_id: &str) -> Option<&Hsm> {
        self.hsms.iter().find(|hsm| hsm.hsm_id == hsm_id)
    }

    pub(crate) fn hsm_mut(&mut self, hsm_id: &str) -> Option<&mut Hsm> {
        self.hsms.iter_mut().find(|hsm| hsm.hsm_id == hsm_id)
    }

    /// The HSMs that are in service so far as the store knows, whether they can be reached or not.
    pub(crate) fn active_hsms(&self) -> impl Iterator<Item = &Hsm> {
        self.hsms.iter().filter(|hsm| hsm.state == HsmState::Active)
    }
}
