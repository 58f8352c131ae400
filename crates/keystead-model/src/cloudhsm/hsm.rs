//! HSMs of a cluster.

use serde::{Deserialize, Serialize};

use crate::wire_enum::wire_enum;

wire_enum! {
    /// Where an HSM stands.
    HsmState {
        CreateInProgress = "CREATE_IN_PROGRESS",
        Active = "ACTIVE",
        Degraded = "DEGRADED",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        Deleted = "DELETED",
    }
}

/// An HSM, as it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hsm {
    /// Such as `us-east-1a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// The cluster it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The subnet of its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eni_id: Option<String>,
    /// The IPv4 address of its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eni_ip: Option<String>,
    /// The IPv6 address of its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eni_ip_v6: Option<String>,
    /// `hsm-` and 11..=16 characters.
    pub hsm_id: String,
    /// Such as `hsm1.medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsm_type: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<HsmState>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_message: Option<String>,
}

/// `CreateHsm`: another HSM for a cluster.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateHsmRequest {
    /// The cluster.
    pub cluster_id: String,
    /// Where to: a zone of one of the cluster's subnets.
    pub availability_zone: String,
    /// The IPv4 address it is to have; any free one of the subnet if absent.
    pub ip_address: Option<String>,
}

/// The new HSM.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateHsmResponse {
    /// As it is now: `CREATE_IN_PROGRESS`.
    pub hsm: Hsm,
}

/// `DeleteHsm`: named by exactly one of the three.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteHsmRequest {
    /// The cluster.
    pub cluster_id: String,
    /// The HSM by its ID.
    pub hsm_id: Option<String>,
    /// The HSM by its network interface.
    pub eni_id: Option<String>,
    /// The HSM by its address.
    pub eni_ip: Option<String>,
}

/// The HSM that is being deleted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteHsmResponse {
    /// Its ID.
    pub hsm_id: String,
}
