//! DeleteHsm: a backup is taken, then nothing is left of the HSM.

use keystead_model::cloudhsm::{DeleteHsmRequest, DeleteHsmResponse, HsmState};

use super::{Scope, change_cluster};
use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm};
use crate::error::CloudHsmError;

/// How the HSM is named.
enum Named<'a> {
    Id(&'a str),
    Interface(&'a str),
    Address(&'a str),
}

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: DeleteHsmRequest,
) -> Result<DeleteHsmResponse, CloudHsmError> {
    let named = Named::of(&request)?;
    let now = cloud_hsm.now();
    let delete = |cluster: &mut Cluster| {
        let hsm = cluster.hsms.iter_mut().find(|hsm| named.is(hsm)).ok_or_else(|| {
            CloudHsmError::not_found(format!("Cluster {} has no HSM {}.", request.cluster_id, named.text()))
        })?;
        // Deleted twice it is deleted once.
        if hsm.state != HsmState::DeleteInProgress {
            hsm.state = HsmState::DeleteInProgress;
            hsm.since = now;
        }
        Ok(hsm.hsm_id.clone())
    };
    let (_, hsm_id) = change_cluster(cloud_hsm, &scope.account, &request.cluster_id, delete).await?;
    Ok(DeleteHsmResponse { hsm_id })
}

impl<'a> Named<'a> {
    fn of(request: &'a DeleteHsmRequest) -> Result<Self, CloudHsmError> {
        match (&request.hsm_id, &request.eni_id, &request.eni_ip) {
            (Some(id), None, None) => Ok(Self::Id(id)),
            (None, Some(interface), None) => Ok(Self::Interface(interface)),
            (None, None, Some(address)) => Ok(Self::Address(address)),
            _ => Err(CloudHsmError::invalid_request("Name the HSM by exactly one of HsmId, EniId and EniIp.")),
        }
    }

    fn text(&self) -> &'a str {
        match self {
            Self::Id(text) | Self::Interface(text) | Self::Address(text) => text,
        }
    }

    fn is(&self, hsm: &Hsm) -> bool {
        match self {
            Self::Id(id) => hsm.hsm_id == *id,
            Self::Interface(interface) => hsm.eni_id.as_deref() == Some(*interface),
            Self::Address(address) => hsm.eni_ip.is_some_and(|ip| ip.to_string() == *address),
        }
    }
}
