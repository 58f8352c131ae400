//! ModifyCluster: how long backups are kept.

use keystead_model::cloudhsm::{ClusterResponse, ModifyClusterRequest};

use super::{Scope, change_cluster, retention};
use crate::CloudHsm;
use crate::cluster::{Cluster, shown_cluster};
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: ModifyClusterRequest,
) -> Result<ClusterResponse, CloudHsmError> {
    let days = request.backup_retention_policy.as_ref().map(retention::checked).transpose()?;
    if days.is_none() && request.hsm_type.is_none() {
        return Err(CloudHsmError::invalid_request("Nothing is to be changed. Give a BackupRetentionPolicy."));
    }
    let modify = |cluster: &mut Cluster| {
        if request.hsm_type.as_ref().is_some_and(|hsm_type| *hsm_type != cluster.hsm_type) {
            return Err(CloudHsmError::invalid_request(format!(
                "The HsmType of cluster {} cannot be changed. Make a cluster of the other type from a backup.",
                cluster.cluster_id
            )));
        }
        cluster.retention_days = days.unwrap_or(cluster.retention_days);
        Ok(())
    };
    let (cluster, ()) = change_cluster(cloud_hsm, &scope.account, &request.cluster_id, modify).await?;
    Ok(ClusterResponse { cluster: shown_cluster(cloud_hsm, &cluster)? })
}
