//! Clusters and HSMs as the API shows them.

use keystead_model::SecretString;
use keystead_model::cloudhsm::{
    self as wire, BackupPolicy, BackupRetentionPolicy, BackupRetentionType, Certificates, HsmState, PreCoPassword,
};

use super::{Cluster, Hsm};
use crate::CloudHsm;
use crate::error::CloudHsmError;

/// A cluster as its owner sees it, its first password among it.
pub(crate) fn shown_cluster(cloud_hsm: &CloudHsm, cluster: &Cluster) -> Result<wire::Cluster, CloudHsmError> {
    let identity = &cluster.identity;
    let hardware = identity.hardware.as_ref();
    Ok(wire::Cluster {
        backup_policy: Some(BackupPolicy::Default),
        backup_retention_policy: Some(BackupRetentionPolicy {
            r#type: Some(BackupRetentionType::Days),
            value: Some(cluster.retention_days.to_string()),
        }),
        cluster_id: Some(cluster.cluster_id.clone()),
        create_timestamp: Some(cluster.created),
        hsms: Some(cluster.hsms.iter().map(|hsm| shown_hsm(cloud_hsm, cluster, hsm)).collect()),
        hsm_type: Some(cluster.hsm_type.clone()),
        hsm_type_rollback_expiration: None,
        pre_co_password: pre_co_password(cloud_hsm, cluster)?,
        security_group: cluster.security_group.clone(),
        source_backup_id: cluster.source_backup_id.clone(),
        state: Some(cluster.state),
        state_message: cluster.state_message.clone(),
        subnet_mapping: Some(cluster.subnets.clone()),
        vpc_id: Some(cluster.vpc_id.clone()),
        network_type: Some(cluster.network_type),
        certificates: Some(Certificates {
            cluster_csr: identity.csr.clone(),
            hsm_certificate: hardware.map(|certificates| certificates.hsm.clone()),
            aws_hardware_certificate: hardware.map(|certificates| certificates.aws_hardware.clone()),
            manufacturer_hardware_certificate: hardware.map(|certificates| certificates.manufacturer_hardware.clone()),
            cluster_certificate: identity.certificate.clone(),
        }),
        tag_list: Some(cluster.tags.clone()),
        mode: Some(cluster.mode),
    })
}

fn pre_co_password(cloud_hsm: &CloudHsm, cluster: &Cluster) -> Result<Option<PreCoPassword>, CloudHsmError> {
    let Some(opened) = cloud_hsm.first_password(cluster)? else { return Ok(None) };
    let text = std::str::from_utf8(&opened).map_err(|error| CloudHsmError::internal(&error))?;
    Ok(Some(PreCoPassword(SecretString::from(text.to_owned()))))
}

/// An HSM, DEGRADED where it has been out of reach for a while.
pub(crate) fn shown_hsm(cloud_hsm: &CloudHsm, cluster: &Cluster, hsm: &Hsm) -> wire::Hsm {
    let state = cloud_hsm.state_of(hsm);
    wire::Hsm {
        availability_zone: Some(hsm.availability_zone.clone()),
        cluster_id: Some(cluster.cluster_id.clone()),
        subnet_id: Some(hsm.subnet_id.clone()),
        eni_id: hsm.eni_id.clone(),
        eni_ip: hsm.eni_ip.map(|address| address.to_string()),
        eni_ip_v6: None,
        hsm_id: hsm.hsm_id.clone(),
        hsm_type: Some(cluster.hsm_type.clone()),
        state: Some(state),
        state_message: message(state).map(str::to_owned),
    }
}

/// The first text is the API Reference's sample; the other is unverified.
fn message(state: HsmState) -> Option<&'static str> {
    match state {
        HsmState::Active => Some("HSM created."),
        HsmState::Degraded => Some("The HSM cannot be reached. The server's log has the cause."),
        HsmState::CreateInProgress | HsmState::DeleteInProgress | HsmState::Deleted => None,
    }
}
