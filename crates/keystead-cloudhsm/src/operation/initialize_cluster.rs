//! InitializeCluster: the owner claims a cluster with a certificate.

use keystead_model::cloudhsm::{ClusterState, InitializeClusterRequest, InitializeClusterResponse};

use super::{Scope, change_cluster};
use crate::CloudHsm;
use crate::certificate::check_signed;
use crate::cluster::Cluster;
use crate::cluster::state::ClusterEvent;
use crate::error::CloudHsmError;

/// API Reference, sample of InitializeCluster.
const MESSAGE: &str = "Cluster is initializing. State will change to INITIALIZED upon completion.";
/// The longest trust anchor that KMS takes later, in characters (KMS model, TrustAnchorCertificateType; the documentation of this
/// operation says the same, its model 20,000).
const TRUST_ANCHOR_CHARS_MAX: usize = 5000;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: InitializeClusterRequest,
) -> Result<InitializeClusterResponse, CloudHsmError> {
    let id = request.cluster_id.as_str();
    let now = cloud_hsm.now();
    let initialize = |cluster: &mut Cluster| {
        let csr = signing_request(cluster)?;
        check_length(&request.trust_anchor)?;
        check_signed(&csr, &request.signed_cert, &request.trust_anchor, now).map_err(CloudHsmError::invalid_request)?;
        cluster.on(ClusterEvent::InitializeRequested, now, Some(MESSAGE));
        cluster.identity.csr = None;
        cluster.identity.certificate = Some(request.signed_cert.clone());
        cluster.identity.trust_anchor = Some(request.trust_anchor.clone());
        Ok(())
    };
    change_cluster(cloud_hsm, &scope.account, id, initialize).await?;
    Ok(InitializeClusterResponse { state: ClusterState::InitializeInProgress, state_message: MESSAGE.to_owned() })
}

fn signing_request(cluster: &Cluster) -> Result<String, CloudHsmError> {
    let id = &cluster.cluster_id;
    match (cluster.state, &cluster.identity.csr) {
        (ClusterState::Uninitialized, Some(csr)) => Ok(csr.clone()),
        (ClusterState::Uninitialized, None) => Err(CloudHsmError::invalid_request(format!(
            "Cluster {id} has no signing request yet. Make its first HSM with CreateHsm, and wait until that is ACTIVE."
        ))),
        (state, _) => Err(CloudHsmError::invalid_request(format!(
            "Cluster {id} is {state}; only an UNINITIALIZED cluster can be initialized."
        ))),
    }
}

fn check_length(trust_anchor: &str) -> Result<(), CloudHsmError> {
    if trust_anchor.len() > TRUST_ANCHOR_CHARS_MAX {
        return Err(CloudHsmError::invalid_request(format!(
            "The trust anchor has {} characters; it may have {TRUST_ANCHOR_CHARS_MAX}. Give the root certificate alone.",
            trust_anchor.len()
        )));
    }
    Ok(())
}
