//! DeleteCluster: a cluster without HSMs goes; its backups stay.

use keystead_model::cloudhsm::{ClusterResponse, DeleteClusterRequest};

use super::{Scope, change_cluster};
use crate::CloudHsm;
use crate::cluster::state::ClusterEvent;
use crate::cluster::{Cluster, shown_cluster};
use crate::error::CloudHsmError;

/// API Reference, sample of DeleteCluster.
const MESSAGE: &str = "The cluster is being deleted.";

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: DeleteClusterRequest,
) -> Result<ClusterResponse, CloudHsmError> {
    let id = request.cluster_id.as_str();
    let now = cloud_hsm.now();
    let delete = |cluster: &mut Cluster| {
        if !cluster.hsms.is_empty() {
            return Err(CloudHsmError::invalid_request(format!(
                "Cluster {id} has {} HSMs. Delete them first, and wait until they are gone.",
                cluster.hsms.len()
            )));
        }
        match cluster.on(ClusterEvent::DeleteRequested, now, Some(MESSAGE)) {
            true => Ok(()),
            false => Err(CloudHsmError::invalid_request(format!(
                "Cluster {id} is {} and cannot be deleted now. Wait until that is over.",
                cluster.state
            ))),
        }
    };
    let (cluster, ()) = change_cluster(cloud_hsm, &scope.account, id, delete).await?;
    Ok(ClusterResponse { cluster: shown_cluster(cloud_hsm, &cluster)? })
}
