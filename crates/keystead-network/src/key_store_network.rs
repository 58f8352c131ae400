//! What clusters of HSMs and AWS CloudHSM key stores have in a VPC.
//!
//! Source: CloudHSM key stores digest 1.2 (cluster configuration), 2.1 steps 3 to 5 (connect), 2.2 (disconnect).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use keystead_core::port::Entropy;
use keystead_model::Timestamp;
use keystead_model::arn::CustomKeyStoreId;

use crate::error::NetworkError;
use crate::network_interface::NewNetworkInterface;
use crate::permission::{Peer, Traffic};
use crate::security_group::{Direction, NewRule, SecurityGroup};
use crate::tag::Tags;
use crate::vpc::Vpc;

/// The TCP ports that HSMs and their clients talk on.
pub const HSM_PORTS: RangeInclusive<u16> = 2223..=2225;
/// In how many Availability Zones a cluster must have private subnets.
const ZONES_MIN: usize = 2;
/// Who manages the interfaces of a key store, as `requesterId` tells it. AWS shows an ID of the service-linked role's session (unverified).
pub const KMS_REQUESTER_ID: &str = "AWSServiceRoleForKeyManagementServiceCustomKeyStores";

/// Where a cluster of HSMs is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterNetwork {
    /// `cluster-` and 11 or more characters.
    pub cluster_id: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnets it was made with, one in each Availability Zone. Some may have been deleted since.
    pub subnet_ids: Vec<String>,
    /// The cluster security group.
    pub security_group_id: String,
}

/// What the security group of a cluster must be called.
pub fn cluster_security_group_name(cluster_id: &str) -> String {
    format!("cloudhsm-cluster-{cluster_id}-sg")
}

/// What the security group of a connected key store is called.
pub fn key_store_security_group_name(id: &CustomKeyStoreId) -> String {
    format!("kms-{id}")
}

/// The description of a key store's network interfaces.
fn key_store_interface_description(cluster_id: &str) -> String {
    format!("KMS managed ENI for cluster {cluster_id}")
}

impl Vpc {
    /// The security group of a cluster: its members may talk to one another on the ports of HSMs. Gives its ID. One that is there already
    /// is left as it is.
    ///
    /// It gets no rule to everywhere, which would hide that the rule to its own members is missing (unverified).
    pub(crate) fn ensure_cluster_security_group(
        &mut self,
        cluster_id: &str,
        entropy: &dyn Entropy,
    ) -> Result<String, NetworkError> {
        let name = cluster_security_group_name(cluster_id);
        if let Some(group) = self.security_group_named(&name) {
            return Ok(group.group_id.clone());
        }
        let description = format!("CloudHSM security group for {cluster_id}");
        let mut group = SecurityGroup::without_rules(&name, &description, entropy);
        let itself = Peer::SecurityGroup(group.group_id.clone());
        for direction in [Direction::Ingress, Direction::Egress] {
            let ports = Traffic::tcp(*HSM_PORTS.start(), *HSM_PORTS.end());
            group.ensure(direction, NewRule::of(ports, itself.clone()), entropy);
        }
        self.add_security_group(group)
    }

    /// What keeps KMS from using a cluster, as a sentence for people.
    ///
    /// A subnet that was deleted is no such thing: it counts as in a zone of its own, as it was when the cluster was made, and a connect
    /// fails with SUBNET_NOT_FOUND.
    pub(crate) fn cluster_network_problem(&self, cluster: &ClusterNetwork) -> Option<String> {
        self.too_few_zones(cluster).or_else(|| self.security_group_problem(cluster))
    }

    fn too_few_zones(&self, cluster: &ClusterNetwork) -> Option<String> {
        let zone_of = |id: &String| match self.subnet(id) {
            Ok(subnet) => subnet.availability_zone.clone(),
            Err(_) => id.clone(),
        };
        let zones: BTreeSet<_> = cluster.subnet_ids.iter().map(zone_of).collect();
        (zones.len() < ZONES_MIN).then(|| {
            format!(
                "The cluster {} has private subnets in {} Availability Zone(s); it needs them in at least {ZONES_MIN}.",
                cluster.cluster_id,
                zones.len()
            )
        })
    }

    fn security_group_problem(&self, cluster: &ClusterNetwork) -> Option<String> {
        let name = cluster_security_group_name(&cluster.cluster_id);
        let Some(group) = self.security_group(&cluster.security_group_id).ok().filter(|group| group.group_name == name)
        else {
            return Some(format!(
                "The VPC {} has no security group {} named {name}.",
                self.vpc_id, cluster.security_group_id
            ));
        };
        [(Direction::Ingress, "inbound", "from"), (Direction::Egress, "outbound", "to")]
            .into_iter()
            .find(|(direction, ..)| !HSM_PORTS.clone().all(|port| group.lets_itself_through(*direction, port)))
            .map(|(_, way, preposition)| {
                format!(
                    "The security group {} ({name}) has no {way} rule that allows TCP ports {} to {} {preposition} the same group.",
                    group.group_id,
                    HSM_PORTS.start(),
                    HSM_PORTS.end()
                )
            })
    }

    /// Makes what a connected key store has in its cluster's VPC: the security group `kms-<custom key store ID>` with one inbound rule,
    /// from the cluster's security group, and none outbound; and in each of the cluster's subnets a network interface in both groups.
    /// What is there already is left as it is.
    ///
    /// Fails with `InvalidSubnetID.NotFound`, `InsufficientFreeAddressesInSubnet`, `InvalidGroup.NotFound` (the cluster's), or for a quota.
    pub(crate) fn attach_key_store(
        &mut self,
        cluster: &ClusterNetwork,
        id: &CustomKeyStoreId,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), NetworkError> {
        for subnet_id in &cluster.subnet_ids {
            self.subnet(subnet_id)?;
        }
        let group_id = self.ensure_key_store_security_group(cluster, id, entropy)?;
        for subnet_id in &cluster.subnet_ids {
            if !self.has_key_store_interface(subnet_id, &group_id) {
                let interface = key_store_interface(cluster, subnet_id, &group_id);
                self.create_network_interface(interface, now, entropy)?;
            }
        }
        Ok(())
    }

    fn ensure_key_store_security_group(
        &mut self,
        cluster: &ClusterNetwork,
        id: &CustomKeyStoreId,
        entropy: &dyn Entropy,
    ) -> Result<String, NetworkError> {
        let from_cluster = Peer::SecurityGroup(self.security_group(&cluster.security_group_id)?.group_id.clone());
        let name = key_store_security_group_name(id);
        let group_id = match self.security_group_named(&name) {
            Some(group) => group.group_id.clone(),
            None => {
                // The text is unverified.
                let description = format!("KMS managed security group for custom key store {id}");
                self.add_security_group(SecurityGroup::without_rules(&name, &description, entropy))?
            }
        };
        // Which ports and protocols it is for is unverified: all.
        let rule = NewRule::of(Traffic::ALL, from_cluster);
        self.security_group_mut(&group_id)?.ensure(Direction::Ingress, rule, entropy);
        Ok(group_id)
    }

    fn has_key_store_interface(&self, subnet_id: &str, group_id: &str) -> bool {
        self.network_interfaces
            .iter()
            .any(|it| it.subnet_id == subnet_id && it.requester_managed() && it.is_in(group_id))
    }

    /// Removes what [`Vpc::attach_key_store`] made. No error where it is gone.
    ///
    /// A group that the owner uses elsewhere as well stays: a disconnect must come to its end, and must not break what is not KMS's.
    pub(crate) fn detach_key_store(&mut self, id: &CustomKeyStoreId) {
        let name = key_store_security_group_name(id);
        let Some(group_id) = self.security_group_named(&name).map(|group| group.group_id.clone()) else { return };
        self.network_interfaces.retain(|it| !(it.requester_managed() && it.is_in(&group_id)));
        if self.security_group_in_use(&group_id) {
            tracing::warn!(%group_id, name, "the key store's security group stays: other resources of the VPC use it");
            return;
        }
        self.security_groups.retain(|group| group.group_id != group_id);
    }
}

fn key_store_interface(cluster: &ClusterNetwork, subnet_id: &str, group_id: &str) -> NewNetworkInterface {
    NewNetworkInterface {
        subnet_id: subnet_id.to_owned(),
        description: key_store_interface_description(&cluster.cluster_id),
        group_ids: vec![group_id.to_owned(), cluster.security_group_id.clone()],
        address: None,
        requester_id: Some(KMS_REQUESTER_ID.to_owned()),
        client_token: None,
        tags: Tags::default(),
    }
}
