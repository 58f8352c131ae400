//! Clusters of HSMs.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::{Filters, Hsm, Tag};
use crate::wire_enum::wire_enum;
use crate::{SecretString, Timestamp, integer};

wire_enum! {
    /// Where a cluster stands.
    ClusterState {
        CreateInProgress = "CREATE_IN_PROGRESS",
        Uninitialized = "UNINITIALIZED",
        InitializeInProgress = "INITIALIZE_IN_PROGRESS",
        Initialized = "INITIALIZED",
        Active = "ACTIVE",
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        ModifyInProgress = "MODIFY_IN_PROGRESS",
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        Deleted = "DELETED",
        Degraded = "DEGRADED",
    }
}

wire_enum! {
    /// Whether a cluster is restricted to what FIPS 140 approves.
    ClusterMode {
        Fips = "FIPS",
        NonFips = "NON_FIPS",
    }
}

wire_enum! {
    /// The IP versions of a cluster's network interfaces.
    NetworkType {
        Ipv4 = "IPV4",
        Dualstack = "DUALSTACK",
    }
}

wire_enum! {
    /// How backups are taken.
    BackupPolicy {
        Default = "DEFAULT",
    }
}

wire_enum! {
    /// What a retention policy counts.
    BackupRetentionType {
        Days = "DAYS",
    }
}

/// How long backups are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct BackupRetentionPolicy {
    /// `DAYS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<BackupRetentionType>,
    /// A number in decimal digits: 7..=379.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Certificates of a cluster, PEM.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificates {
    /// The signing request; only while the cluster is `UNINITIALIZED` and has an HSM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_csr: Option<String>,
    /// The HSM's own certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsm_certificate: Option<String>,
    /// The certificate by which AWS vouches for the hardware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_hardware_certificate: Option<String>,
    /// The certificate by which the manufacturer vouches for the hardware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer_hardware_certificate: Option<String>,
    /// The certificate that the owner signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_certificate: Option<String>,
}

/// The first password of a cluster's administrator: shown to its owner until it is changed, and to nobody else.
pub struct PreCoPassword(pub SecretString);

impl Serialize for PreCoPassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl fmt::Debug for PreCoPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreCoPassword(hidden)")
    }
}

/// A cluster, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cluster {
    /// `DEFAULT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_policy: Option<BackupPolicy>,
    /// How long its backups are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_retention_policy: Option<BackupRetentionPolicy>,
    /// `cluster-` and 11..=16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_timestamp: Option<Timestamp>,
    /// Its HSMs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsms: Option<Vec<Hsm>>,
    /// Such as `hsm1.medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsm_type: Option<String>,
    /// Until when a change of `HsmType` can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsm_type_rollback_expiration: Option<Timestamp>,
    /// The administrator's first password, until activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_co_password: Option<PreCoPassword>,
    /// The security group of its network interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group: Option<String>,
    /// The backup it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_backup_id: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ClusterState>,
    /// The same in words, at most 300 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_message: Option<String>,
    /// Its subnet in each Availability Zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_mapping: Option<BTreeMap<String, String>>,
    /// The VPC of its subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// The IP versions of its network interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_type: Option<NetworkType>,
    /// Its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_list: Option<Vec<Tag>>,
    /// Whether it is restricted to what FIPS 140 approves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ClusterMode>,
}

/// `CreateCluster`: a new cluster without HSMs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateClusterRequest {
    /// How long its backups are kept; 90 days if absent.
    pub backup_retention_policy: Option<BackupRetentionPolicy>,
    /// `hsm1.medium` or `hsm2m.medium`.
    pub hsm_type: String,
    /// The backup, by ID or ARN, that its first HSM is restored from.
    pub source_backup_id: Option<String>,
    /// 1..=10 subnets of one VPC, each in another Availability Zone.
    pub subnet_ids: Vec<String>,
    /// `IPV4` if absent.
    pub network_type: Option<NetworkType>,
    /// Tags of the cluster.
    pub tag_list: Option<Vec<Tag>>,
    /// Which mode depends on the type if absent.
    pub mode: Option<ClusterMode>,
}

/// The answer of `CreateCluster`, `DeleteCluster` and `ModifyCluster`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterResponse {
    /// As it is now.
    pub cluster: Cluster,
}

/// `InitializeCluster`: claims a cluster for its owner.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct InitializeClusterRequest {
    /// The cluster.
    pub cluster_id: String,
    /// PEM: the certificate for the cluster's signing request.
    pub signed_cert: String,
    /// PEM: the root that issued it.
    pub trust_anchor: String,
}

/// How the initialization goes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitializeClusterResponse {
    /// `INITIALIZE_IN_PROGRESS`.
    pub state: ClusterState,
    /// The same in words.
    pub state_message: String,
}

/// `DescribeClusters`: the clusters of the account and Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DescribeClustersRequest {
    /// `clusterIds`, `vpcIds`, `states`.
    pub filters: Option<Filters>,
    /// `NextToken` of the page before.
    pub next_token: Option<String>,
    /// The most clusters to return, 1..=25.
    #[serde(default, deserialize_with = "integer::optional")]
    pub max_results: Option<u32>,
}

/// One page of clusters.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeClustersResponse {
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `DeleteCluster`: deletes a cluster without HSMs. Its backups stay.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteClusterRequest {
    /// The cluster.
    pub cluster_id: String,
}

/// `ModifyCluster`: changes what is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ModifyClusterRequest {
    /// The new type of its HSMs.
    pub hsm_type: Option<String>,
    /// How long its backups are kept from now on.
    pub backup_retention_policy: Option<BackupRetentionPolicy>,
    /// The cluster.
    pub cluster_id: String,
}
