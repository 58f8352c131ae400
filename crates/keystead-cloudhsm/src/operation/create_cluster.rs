//! CreateCluster: a new cluster without HSMs, empty or from a backup.

use std::collections::BTreeMap;

use keystead_core::sealing::SealedRecord;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{
    BackupState, ClusterMode, ClusterResponse, ClusterState, CreateClusterRequest, NetworkType,
};
use keystead_network::{NetworkError, SubnetRecord};

use super::{Scope, no_such_backup, retention, tags};
use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::{Cluster, ClusterIdentity, HsmModule, shown_cluster};
use crate::error::CloudHsmError;
use crate::identifier::{new_id, new_password};
use crate::sealed_text::SealedText;

/// The types of HSM that a new cluster may have, each with the mode it has unless the caller says otherwise (API Reference, CreateCluster:
/// `hsm1.medium` has the one mode alone).
const HSM_TYPES: &[(&str, ClusterMode)] = &[("hsm1.medium", ClusterMode::Fips), ("hsm2m.medium", ClusterMode::NonFips)];

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: CreateClusterRequest,
) -> Result<ClusterResponse, CloudHsmError> {
    let account = &scope.account;
    let mode = checked_mode(&request)?;
    if request.network_type == Some(NetworkType::Dualstack) {
        return Err(CloudHsmError::invalid_request(
            "NetworkType DUALSTACK is not supported; the networks here have IPv4.",
        ));
    }
    let retention_days = retention::days(cloud_hsm, request.backup_retention_policy.as_ref())?;
    let tags = tags::checked(cloud_hsm, &[], request.tag_list.as_deref().unwrap_or_default())?;
    let source = source_backup(cloud_hsm, account, request.source_backup_id.as_deref()).await?;
    let (vpc_id, subnets) = mapped_subnets(cloud_hsm, account, &request.subnet_ids).await?;
    check_quota(cloud_hsm, account, 1).await?;
    let module = module_for(cloud_hsm, source.as_ref())?;
    let (cluster_id, now) = (new_id("cluster", &*cloud_hsm.entropy), cloud_hsm.now());
    let cluster = Cluster {
        pre_co_password: if source.is_none() { Some(first_password(cloud_hsm, &cluster_id)?) } else { None },
        cluster_id,
        state: ClusterState::CreateInProgress,
        state_message: None,
        since: now,
        created: now,
        hsm_type: request.hsm_type,
        mode,
        network_type: request.network_type.unwrap_or(NetworkType::Ipv4),
        vpc_id,
        subnets,
        security_group: None,
        retention_days,
        source_backup_id: source.as_ref().map(|backup| backup.backup_id.clone()),
        identity: source.map_or_else(ClusterIdentity::default, |backup| backup.identity),
        module,
        hsms: Vec::new(),
        tags,
        last_backup: None,
    };
    store(cloud_hsm, account, &cluster).await?;
    Ok(ClusterResponse { cluster: shown_cluster(cloud_hsm, &cluster)? })
}

/// Stores it if the quota allows one more. Counted before and after: of two at once for the last place none or one gets it.
async fn store(cloud_hsm: &CloudHsm, account: &AccountId, cluster: &Cluster) -> Result<(), CloudHsmError> {
    cloud_hsm.records.insert(account, cluster).await?;
    if let Err(error) = check_quota(cloud_hsm, account, 0).await {
        if let Some(stored) = cloud_hsm.cluster(account, &cluster.cluster_id).await? {
            cloud_hsm.records.delete(&stored).await?;
        }
        return Err(error);
    }
    cloud_hsm.changed.notify_one();
    Ok(())
}

fn checked_mode(request: &CreateClusterRequest) -> Result<ClusterMode, CloudHsmError> {
    let known = HSM_TYPES.iter().find(|(name, _)| *name == request.hsm_type);
    let Some((_, usual)) = known else {
        let names: Vec<_> = HSM_TYPES.iter().map(|(name, _)| *name).collect();
        return Err(CloudHsmError::invalid_request(format!(
            "HsmType {} is not supported. Use one of: {}.",
            request.hsm_type,
            names.join(", ")
        )));
    };
    match (request.hsm_type.as_str(), request.mode) {
        ("hsm1.medium", Some(ClusterMode::NonFips)) => {
            Err(CloudHsmError::invalid_request("HsmType hsm1.medium has the Mode FIPS only."))
        }
        (_, mode) => Ok(mode.unwrap_or(*usual)),
    }
}

/// The backup that was named by its ID or ARN.
async fn source_backup(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    named: Option<&str>,
) -> Result<Option<Backup>, CloudHsmError> {
    let Some(named) = named else { return Ok(None) };
    let id = match named.rsplit_once('/') {
        Some((prefix, id)) if prefix == format!("arn:aws:cloudhsm:{}:{account}:backup", cloud_hsm.settings.region) => {
            id
        }
        Some(_) => return Err(no_such_backup(named)),
        None => named,
    };
    let backup = cloud_hsm.records.get::<Backup>(account, id).await?.map(|stored| stored.value);
    let backup = backup.filter(|backup| backup.state != BackupState::Deleted).ok_or_else(|| no_such_backup(id))?;
    match backup.state {
        BackupState::Ready => Ok(Some(backup)),
        state => Err(CloudHsmError::invalid_request(format!("Backup {id} is {state}; only a READY one can be used."))),
    }
}

/// What the HSMs of a backup were made with restores them; a new cluster gets what the server is set to.
fn module_for(cloud_hsm: &CloudHsm, source: Option<&Backup>) -> Result<HsmModule, CloudHsmError> {
    if let Some(backup) = source {
        return Ok(backup.module.clone());
    }
    let soft = cloud_hsm.settings.soft_module.as_ref().ok_or_else(|| {
        CloudHsmError::invalid_request(
            "This server is set up to make no HSMs. Register a cluster that exists with `keystead cluster register`.",
        )
    })?;
    Ok(HsmModule { kind: soft.kind.into(), path: soft.module.clone(), profile: soft.profile.clone() })
}

fn first_password(cloud_hsm: &CloudHsm, cluster_id: &str) -> Result<SealedText, CloudHsmError> {
    let password = new_password(&*cloud_hsm.entropy);
    let record = SealedRecord::PreCoPassword(cluster_id);
    Ok(SealedText(cloud_hsm.root_key.seal(record, password.as_bytes(), &*cloud_hsm.entropy)?))
}

async fn mapped_subnets(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    ids: &[String],
) -> Result<(String, BTreeMap<String, String>), CloudHsmError> {
    match cloud_hsm.network.subnets(account, ids).await {
        Ok(subnets) => subnet_mapping(&subnets),
        Err(NetworkError::Store(error)) => Err(error.into()),
        Err(error) => Err(CloudHsmError::invalid_request(format!("{error}."))),
    }
}

/// The VPC, and the subnet in each Availability Zone: all of one VPC, one for each zone.
pub(crate) fn subnet_mapping(subnets: &[SubnetRecord]) -> Result<(String, BTreeMap<String, String>), CloudHsmError> {
    let first = subnets.first().ok_or_else(|| CloudHsmError::invalid_request("At least one subnet is needed."))?;
    let mut mapping = BTreeMap::new();
    for subnet in subnets {
        if subnet.vpc_id != first.vpc_id {
            return Err(CloudHsmError::invalid_request(format!(
                "Subnets {} and {} are in different VPCs; name subnets of one VPC.",
                first.subnet_id, subnet.subnet_id
            )));
        }
        let zone = &subnet.availability_zone;
        if let Some(other) = mapping.insert(zone.clone(), subnet.subnet_id.clone()) {
            return Err(CloudHsmError::invalid_request(format!(
                "Subnets {other} and {} are both in {zone}; name one subnet for each Availability Zone.",
                subnet.subnet_id
            )));
        }
    }
    Ok((first.vpc_id.clone(), mapping))
}

/// Which exception AWS gives is unverified: the model has one for quotas with TagResource only.
async fn check_quota(cloud_hsm: &CloudHsm, account: &AccountId, more: usize) -> Result<(), CloudHsmError> {
    let clusters = cloud_hsm.records.list::<Cluster>(account).await?;
    let there = clusters.iter().filter(|stored| stored.value.state != ClusterState::Deleted).count();
    let quota = cloud_hsm.settings.quotas.clusters;
    if there + more > quota {
        return Err(CloudHsmError::invalid_request(format!(
            "This account has its {quota} clusters in this Region already. Delete one first."
        )));
    }
    Ok(())
}
