//! CreateHsm: another HSM for a cluster.

use std::net::Ipv4Addr;

use keystead_core::port::StoreError;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{ClusterState, CreateHsmRequest, CreateHsmResponse, Exception, HsmState};
use keystead_network::NetworkError;

use super::{Scope, change_cluster, no_such_cluster};
use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm, shown_hsm};
use crate::error::CloudHsmError;
use crate::identifier::new_id;
use crate::job::JobError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: CreateHsmRequest,
) -> Result<CreateHsmResponse, CloudHsmError> {
    let (account, id) = (&scope.account, request.cluster_id.as_str());
    let requested_ip = request.ip_address.as_deref().map(address).transpose()?;
    let hsm_id = new_id("hsm", &*cloud_hsm.entropy);
    let now = cloud_hsm.now();
    let others = hsms_of_other_clusters(cloud_hsm, account, id).await?;
    let add = |cluster: &mut Cluster| {
        let subnet_id = checked_zone(cluster, &request.availability_zone)?;
        check_state(cluster)?;
        check_quotas(cloud_hsm, cluster, others)?;
        check_module(cloud_hsm, cluster)?;
        cluster.hsms.push(Hsm {
            hsm_id: hsm_id.clone(),
            state: HsmState::CreateInProgress,
            since: now,
            availability_zone: request.availability_zone.clone(),
            subnet_id,
            requested_ip,
            eni_id: None,
            eni_ip: None,
            source: None,
            token: None,
            final_backup: None,
        });
        Ok(())
    };
    let (cluster, ()) = change_cluster(cloud_hsm, account, id, add).await?;
    let hsm = cluster.hsm(&hsm_id).ok_or_else(|| no_such_cluster(id))?;
    give_interface(cloud_hsm, account, &cluster, hsm).await?;
    let stored = cloud_hsm.cluster(account, id).await?.ok_or_else(|| no_such_cluster(id))?;
    let shown = stored.value.hsm(&hsm_id).unwrap_or(hsm);
    Ok(CreateHsmResponse { hsm: shown_hsm(cloud_hsm, &stored.value, shown) })
}

/// The background would do this as well; done here, what is wrong with the network comes as an answer. The HSM is taken back then.
async fn give_interface(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    cluster: &Cluster,
    hsm: &Hsm,
) -> Result<(), CloudHsmError> {
    let refusal = match cloud_hsm.give_interface(account, cluster, hsm).await {
        // Somebody deletes it already.
        Ok(()) | Err(JobError::Overtaken) => return Ok(()),
        Err(JobError::Network(NetworkError::Store(error)) | JobError::Store(error)) => CloudHsmError::from(error),
        Err(JobError::Network(error)) => {
            CloudHsmError::invalid_request(format!("{}.", error.to_string().trim_end_matches('.')))
        }
        Err(error) => CloudHsmError::internal(&error),
    };
    let take_back = |cluster: &mut Cluster| {
        cluster.hsms.retain(|other| other.hsm_id != hsm.hsm_id || other.eni_id.is_some());
        Ok::<_, StoreError>(())
    };
    cloud_hsm.change_cluster(account, &cluster.cluster_id, take_back).await?;
    Err(refusal)
}

fn address(text: &str) -> Result<Ipv4Addr, CloudHsmError> {
    text.parse().map_err(|_| CloudHsmError::invalid_request(format!("IpAddress {text} is no IPv4 address.")))
}

fn checked_zone(cluster: &Cluster, zone: &str) -> Result<String, CloudHsmError> {
    cluster.subnets.get(zone).cloned().ok_or_else(|| {
        let zones: Vec<_> = cluster.subnets.keys().map(String::as_str).collect();
        CloudHsmError::invalid_request(format!(
            "Cluster {} has no subnet in {zone}. Its Availability Zones: {}.",
            cluster.cluster_id,
            zones.join(", ")
        ))
    })
}

/// Without its module no token can be made; all else of the service goes on without. The exception is unverified: AWS has no such case.
fn check_module(cloud_hsm: &CloudHsm, cluster: &Cluster) -> Result<(), CloudHsmError> {
    let file = cloud_hsm.module_file(cluster);
    if file.exists() {
        return Ok(());
    }
    Err(CloudHsmError::new(
        Exception::Service,
        format!(
            "There is no PKCS #11 module {} to make an HSM with. Put it there, or name another file in the section [hsm] of the server's \
             configuration and start the server again.",
            file.display()
        ),
    ))
}

/// One HSM until the cluster is activated: the others are copies of it. The first text is from public reports (digest 5.2).
fn check_state(cluster: &Cluster) -> Result<(), CloudHsmError> {
    let id = &cluster.cluster_id;
    if cluster.module.kind.soft().is_none() {
        return Err(CloudHsmError::invalid_request(format!(
            "Cluster {id} was registered: its HSMs are made with their vendor's tool, and registered anew."
        )));
    }
    match cluster.state {
        ClusterState::Uninitialized | ClusterState::Initialized if !cluster.hsms.is_empty() => {
            Err(CloudHsmError::invalid_request(format!(
                "Cluster '{id}' already contains an HSM but has not yet been fully activated"
            )))
        }
        ClusterState::Uninitialized | ClusterState::Initialized => Ok(()),
        _ if cluster.is_active() => Ok(()),
        state => Err(CloudHsmError::invalid_request(format!("Cluster {id} is {state}. Wait until that is over."))),
    }
}

async fn hsms_of_other_clusters(cloud_hsm: &CloudHsm, account: &AccountId, id: &str) -> Result<usize, CloudHsmError> {
    let clusters = cloud_hsm.records.list::<Cluster>(account).await?;
    let others = clusters.iter().filter(|stored| stored.value.cluster_id != id);
    Ok(others.map(|stored| stored.value.hsms.len()).sum())
}

/// Which exception AWS gives is unverified: the model has one for quotas with TagResource only. Of two calls at once for different
/// clusters both may get the account's last place.
fn check_quotas(cloud_hsm: &CloudHsm, cluster: &Cluster, others: usize) -> Result<(), CloudHsmError> {
    let quotas = &cloud_hsm.settings.quotas;
    let own = cluster.hsms.len();
    if own + 1 > quotas.hsms_of_a_cluster {
        return Err(CloudHsmError::invalid_request(format!(
            "Cluster {} has its {} HSMs already.",
            cluster.cluster_id, quotas.hsms_of_a_cluster
        )));
    }
    if own + others + 1 > quotas.hsms {
        return Err(CloudHsmError::invalid_request(format!(
            "This account has its {} HSMs in this Region already. Delete one first.",
            quotas.hsms
        )));
    }
    Ok(())
}
