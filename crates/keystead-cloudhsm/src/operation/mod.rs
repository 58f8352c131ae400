//! The operations, one file each.

mod create_cluster;
mod create_hsm;
mod delete_backup;
mod delete_cluster;
mod delete_hsm;
mod describe_backups;
mod describe_clusters;
mod filters;
mod initialize_cluster;
mod list_tags;
mod modify_backup_attributes;
mod modify_cluster;
mod paging;
mod permission;
mod restore_backup;
mod retention;
mod tag_resource;
mod tagged_resource;
mod tags;
mod untag_resource;

use keystead_core::kms::Caller;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::Exception;
use keystead_model::shape::Operation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use create_cluster::subnet_mapping;
pub(crate) use permission::Scope;

use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::Cluster;
use crate::error::CloudHsmError;

/// One call of an operation.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'static Operation,
}

/// Reads the typed request, authorizes it and serves it.
pub(crate) async fn dispatch(cloud_hsm: &CloudHsm, call: &Call<'_>, input: Value) -> Result<Value, CloudHsmError> {
    let scope = permission::authorized(cloud_hsm, call.caller, call.operation.name, &input)?;
    macro_rules! serve {
        ($operation:ident) => {
            written($operation::serve(cloud_hsm, &scope, read(input)?).await?)
        };
    }
    match call.operation.name {
        "CreateCluster" => serve!(create_cluster),
        "CreateHsm" => serve!(create_hsm),
        "DeleteBackup" => serve!(delete_backup),
        "DeleteCluster" => serve!(delete_cluster),
        "DeleteHsm" => serve!(delete_hsm),
        "DescribeBackups" => serve!(describe_backups),
        "DescribeClusters" => serve!(describe_clusters),
        "InitializeCluster" => serve!(initialize_cluster),
        "ListTags" => serve!(list_tags),
        "ModifyBackupAttributes" => serve!(modify_backup_attributes),
        "ModifyCluster" => serve!(modify_cluster),
        "RestoreBackup" => serve!(restore_backup),
        "TagResource" => serve!(tag_resource),
        "UntagResource" => serve!(untag_resource),
        other => Err(not_served(other)),
    }
}

/// Backups here stay in their Region and account.
fn not_served(operation: &str) -> CloudHsmError {
    let why = match operation {
        "CopyBackupToRegion" => "this server is one Region, and backups stay in it",
        _ => "resource policies share backups with other accounts, and backups stay in their account here",
    };
    CloudHsmError::invalid_request(format!("{operation} is not supported: {why}."))
}

fn read<T: DeserializeOwned>(input: Value) -> Result<T, CloudHsmError> {
    // Validation has let it through, so what is wrong now is wrong with us.
    serde_json::from_value(input).map_err(|error| CloudHsmError::internal(&error))
}

fn written<T: Serialize>(response: T) -> Result<Value, CloudHsmError> {
    serde_json::to_value(response).map_err(|error| CloudHsmError::internal(&error))
}

fn no_such_cluster(id: &str) -> CloudHsmError {
    CloudHsmError::not_found(format!("Cluster {id} does not exist in this account and Region."))
}

fn no_such_backup(id: &str) -> CloudHsmError {
    CloudHsmError::not_found(format!("Backup {id} does not exist in this account and Region."))
}

/// Changes a cluster of the account. One that is deleted is as one that never was.
async fn change_cluster<R: Send>(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    id: &str,
    mut change: impl FnMut(&mut Cluster) -> Result<R, CloudHsmError> + Send,
) -> Result<(Cluster, R), CloudHsmError> {
    let change = |cluster: &mut Cluster| match cluster.is_going() {
        true => Err(no_such_cluster(id)),
        false => change(cluster),
    };
    cloud_hsm.change_cluster(account, id, change).await?.ok_or_else(|| no_such_cluster(id))
}

/// Changes a backup of the account. One that is deleted for good is as one that never was.
async fn change_backup(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    id: &str,
    mut change: impl FnMut(&mut Backup) -> Result<(), CloudHsmError> + Send,
) -> Result<Backup, CloudHsmError> {
    let change = |backup: &mut Backup| match backup.state {
        keystead_model::cloudhsm::BackupState::Deleted => Err(no_such_backup(id)),
        _ => change(backup),
    };
    let changed = cloud_hsm.records.change(account, id, change).await?;
    cloud_hsm.changed.notify_one();
    changed.map(|(backup, ())| backup).ok_or_else(|| no_such_backup(id))
}

/// `CloudHsmTagException`
fn tag_error(message: impl Into<String>) -> CloudHsmError {
    CloudHsmError::new(Exception::Tag, message)
}
