//! The network interface of an HSM.

use keystead_model::arn::AccountId;
use keystead_network::{NetworkError, NetworkInterface, NewNetworkInterface, ResourceType, Tags, Vpc};

use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm};

/// Who manages the interfaces of HSMs (unverified).
const REQUESTER_ID: &str = "amazon-cloudhsm";

/// By this an HSM's interface is known, also by an attempt that was cut short before its ID was stored.
fn description(cluster: &Cluster, hsm: &Hsm) -> String {
    format!("CloudHSM managed ENI for cluster {}, HSM {}", cluster.cluster_id, hsm.hsm_id)
}

fn is_of<'a>(description: &'a str) -> impl Fn(&&NetworkInterface) -> bool + 'a {
    move |interface| interface.description == description && interface.requester_id.as_deref() == Some(REQUESTER_ID)
}

impl CloudHsm {
    /// Makes the interface of an HSM, or finds the one that is there.
    pub(crate) async fn ensure_interface(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
    ) -> Result<NetworkInterface, NetworkError> {
        let new = NewNetworkInterface {
            subnet_id: hsm.subnet_id.clone(),
            description: description(cluster, hsm),
            group_ids: cluster.security_group.iter().cloned().collect(),
            address: hsm.requested_ip,
            requester_id: Some(REQUESTER_ID.to_owned()),
            tags: Tags::default(),
            client_token: None,
        };
        let ensure = |vpc: &mut Vpc| match vpc.network_interfaces.iter().find(is_of(&new.description)) {
            Some(there) => Ok(there.clone()),
            None => vpc.create_network_interface(new.clone(), self.now(), &*self.entropy),
        };
        self.network.change_vpc_with(account, ResourceType::Subnet, &hsm.subnet_id, ensure).await
    }

    /// Deletes the interface of an HSM, whether its ID was stored or not. No error if it is gone.
    pub(crate) async fn remove_interface(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
    ) -> Result<(), NetworkError> {
        let description = description(cluster, hsm);
        let vpcs = self.network.vpcs(account).await?;
        let found = vpcs.iter().flat_map(|vpc| &vpc.network_interfaces).find(is_of(&description));
        match found {
            Some(interface) => self.network.delete_managed_interface(account, &interface.network_interface_id).await,
            None => Ok(()),
        }
    }
}
