//! A directory of one cluster that a test can change at any time.

use std::sync::Mutex;

use async_trait::async_trait;
use keystead_core::port::StoreError;
use keystead_hsm::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
use keystead_model::arn::{AccountId, Region};
use keystead_pkcs11::client::HsmSettings;

use super::certificates::CERTIFICATES;

pub(crate) const CLUSTER: &str = "cluster-abcdefghijk";

#[derive(Default)]
pub(crate) struct Directory {
    members: Mutex<Vec<ClusterMember>>,
    deleted: Mutex<bool>,
}

impl Directory {
    pub(crate) fn add(&self, availability_zone: &str, settings: HsmSettings) {
        let availability_zone = availability_zone.to_owned();
        self.members.lock().unwrap().push(ClusterMember { availability_zone, active: true, settings });
    }

    pub(crate) fn change(&self, hsm_id: &str, change: impl FnOnce(&mut ClusterMember)) {
        let mut members = self.members.lock().unwrap();
        change(members.iter_mut().find(|member| member.settings.hsm_id == hsm_id).unwrap());
    }

    pub(crate) fn set_active(&self, hsm_id: &str, active: bool) {
        self.change(hsm_id, |member| member.active = active);
    }

    pub(crate) fn delete_cluster(&self) {
        *self.deleted.lock().unwrap() = true;
    }

    pub(crate) fn settings(&self, hsm_id: &str) -> HsmSettings {
        let members = self.members.lock().unwrap();
        members.iter().find(|member| member.settings.hsm_id == hsm_id).unwrap().settings.clone()
    }
}

#[async_trait]
impl HsmDirectory for Directory {
    async fn cluster(
        &self,
        _account: &AccountId,
        _region: &Region,
        cluster_id: &str,
    ) -> Result<Option<ClusterDirectoryEntry>, StoreError> {
        let there = cluster_id == CLUSTER && !*self.deleted.lock().unwrap();
        Ok(there.then(|| ClusterDirectoryEntry {
            cluster_certificate: Some(CERTIFICATES.cluster.clone()),
            members: self.members.lock().unwrap().clone(),
        }))
    }
}
