//! Backups of clusters.

use serde::{Deserialize, Serialize};

use super::{ClusterMode, Filters, Tag};
use crate::wire_enum::wire_enum;
use crate::{Timestamp, integer};

wire_enum! {
    /// Where a backup stands.
    BackupState {
        CreateInProgress = "CREATE_IN_PROGRESS",
        Ready = "READY",
        Deleted = "DELETED",
        PendingDeletion = "PENDING_DELETION",
    }
}

/// A backup, as it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Backup {
    /// `backup-` and 11..=16 characters.
    pub backup_id: String,
    /// Its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_arn: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_state: Option<BackupState>,
    /// The cluster that was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_timestamp: Option<Timestamp>,
    /// When it was copied from another Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_timestamp: Option<Timestamp>,
    /// Whether it is exempt from the retention policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
    /// The Region it was copied from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_region: Option<String>,
    /// The backup it was copied from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_backup: Option<String>,
    /// The cluster of the backup it was copied from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_cluster: Option<String>,
    /// When it goes for good; only while `PENDING_DELETION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_timestamp: Option<Timestamp>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_list: Option<Vec<Tag>>,
    /// The type of the HSM that was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsm_type: Option<String>,
    /// The mode of the cluster that was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ClusterMode>,
}

/// `DescribeBackups`: the backups of the account and Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DescribeBackupsRequest {
    /// `NextToken` of the page before.
    pub next_token: Option<String>,
    /// The most backups to return, 1..=50.
    #[serde(default, deserialize_with = "integer::optional")]
    pub max_results: Option<u32>,
    /// `backupIds`, `sourceBackupIds`, `clusterIds`, `states`, `neverExpires`.
    pub filters: Option<Filters>,
    /// Those that other accounts share.
    pub shared: Option<bool>,
    /// By their time, the oldest first.
    pub sort_ascending: Option<bool>,
}

/// One page of backups.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeBackupsResponse {
    /// The backups.
    pub backups: Vec<Backup>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `DeleteBackup`: it goes in seven days.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteBackupRequest {
    /// The backup.
    pub backup_id: String,
}

/// `RestoreBackup`: takes a deletion back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct RestoreBackupRequest {
    /// The backup.
    pub backup_id: String,
}

/// `ModifyBackupAttributes`: whether the retention policy spares a backup.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ModifyBackupAttributesRequest {
    /// The backup.
    pub backup_id: String,
    /// Whether it is exempt.
    pub never_expires: bool,
}

/// The answer of `DeleteBackup`, `RestoreBackup` and `ModifyBackupAttributes`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupResponse {
    /// As it is now.
    pub backup: Backup,
}
