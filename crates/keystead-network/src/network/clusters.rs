//! What clusters of HSMs, and KMS on behalf of key stores, need of the network.

use std::net::{IpAddr, Ipv4Addr};

use keystead_core::port::{AttachNetworkError, StoreError};
use keystead_model::arn::{AccountId, CustomKeyStoreId};

use super::Network;
use crate::error::NetworkError;
use crate::key_store_network::{ClusterNetwork, key_store_security_group_name};
use crate::network_interface::{NetworkInterface, NewNetworkInterface};
use crate::resource_id::ResourceType;
use crate::subnet::Subnet;
use crate::tag::Tags;
use crate::vpc::Vpc;

/// A subnet, as others than its VPC see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubnetRecord {
    /// Its ID.
    pub subnet_id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// How many addresses it can still give out.
    pub available_ip_address_count: u32,
}

/// A network interface, as others than its VPC see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkInterfaceRecord {
    /// Its ID.
    pub network_interface_id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its address.
    pub private_ip_address: Ipv4Addr,
}

impl SubnetRecord {
    fn of(vpc: &Vpc, subnet: &Subnet) -> Self {
        Self {
            subnet_id: subnet.subnet_id.clone(),
            vpc_id: vpc.vpc_id.clone(),
            availability_zone: subnet.availability_zone.clone(),
            available_ip_address_count: vpc.available_ip_address_count(subnet),
        }
    }
}

impl NetworkInterfaceRecord {
    fn of(vpc: &Vpc, interface: NetworkInterface) -> Self {
        Self {
            network_interface_id: interface.network_interface_id,
            vpc_id: vpc.vpc_id.clone(),
            subnet_id: interface.subnet_id,
            private_ip_address: interface.private_ip_address,
        }
    }
}

impl Network {
    /// These subnets of an account, in the order asked for.
    ///
    /// Fails with `InvalidSubnetID.NotFound` for the first that is missing.
    pub async fn subnets(&self, account: &AccountId, ids: &[String]) -> Result<Vec<SubnetRecord>, NetworkError> {
        let vpcs = self.vpcs(account).await?;
        ids.iter()
            .map(|id| {
                vpcs.iter()
                    .find_map(|vpc| vpc.subnet(id).ok().map(|subnet| SubnetRecord::of(vpc, subnet)))
                    .ok_or_else(|| NetworkError::SubnetNotFound(id.clone()))
            })
            .collect()
    }

    /// Makes the security group `cloudhsm-cluster-<cluster ID>-sg`, whose members may talk to one another on TCP 2223 to 2225, and gives
    /// its ID. One that is there already is left as it is.
    ///
    /// Fails with `InvalidVpcID.NotFound` or `SecurityGroupLimitExceeded`.
    pub async fn create_cluster_security_group(
        &self,
        account: &AccountId,
        vpc_id: &str,
        cluster_id: &str,
    ) -> Result<String, NetworkError> {
        let make = |vpc: &mut Vpc| vpc.ensure_cluster_security_group(cluster_id, self.entropy());
        self.change_vpc_with(account, ResourceType::Vpc, vpc_id, make).await
    }

    /// Deletes a security group. No error if it is gone.
    ///
    /// Fails with `DependencyViolation` while network interfaces are in it, or rules of other groups name it, such as those of a connected
    /// key store.
    pub async fn delete_security_group_if_exists(
        &self,
        account: &AccountId,
        group_id: &str,
    ) -> Result<(), NetworkError> {
        let has = |vpc: &Vpc| vpc.has(ResourceType::SecurityGroup, group_id);
        self.change_vpc(account, has, |vpc| vpc.delete_security_group(group_id)).await.map(|_| ())
    }

    /// Makes a network interface that the service `requester_id` manages: users see it and cannot delete it. The address is the lowest
    /// that is free, unless one is asked for.
    ///
    /// Fails with `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `InvalidParameterValue`, `InvalidIPAddress.InUse`,
    /// `InsufficientFreeAddressesInSubnet`, or for a quota.
    pub async fn create_managed_interface(
        &self,
        account: &AccountId,
        subnet_id: &str,
        description: &str,
        group_ids: &[String],
        address: Option<IpAddr>,
        requester_id: &str,
    ) -> Result<NetworkInterfaceRecord, NetworkError> {
        let new = NewNetworkInterface {
            subnet_id: subnet_id.to_owned(),
            description: description.to_owned(),
            group_ids: group_ids.to_vec(),
            address: address.map(ipv4).transpose()?,
            requester_id: Some(requester_id.to_owned()),
            client_token: None,
            tags: Tags::default(),
        };
        self.change_vpc_with(account, ResourceType::Subnet, subnet_id, |vpc| {
            let interface = vpc.create_network_interface(new.clone(), self.now(), self.entropy())?;
            Ok(NetworkInterfaceRecord::of(vpc, interface))
        })
        .await
    }

    /// Deletes a network interface that a service manages. No error if it is gone.
    pub async fn delete_managed_interface(
        &self,
        account: &AccountId,
        network_interface_id: &str,
    ) -> Result<(), NetworkError> {
        let has = |vpc: &Vpc| vpc.has(ResourceType::NetworkInterface, network_interface_id);
        self.change_vpc(account, has, |vpc| {
            vpc.remove_network_interface(network_interface_id);
            Ok(())
        })
        .await
        .map(|_: Option<()>| ())
    }

    /// What keeps KMS from using a cluster's network, as a sentence for people: see [`keystead_core::port::HsmClusters::network_problem`].
    pub async fn cluster_network_problem(
        &self,
        account: &AccountId,
        cluster: &ClusterNetwork,
    ) -> Result<Option<String>, StoreError> {
        let vpcs = self.vpcs(account).await?;
        Ok(match vpcs.iter().find(|vpc| vpc.vpc_id == cluster.vpc_id) {
            Some(vpc) => vpc.cluster_network_problem(cluster),
            None => Some(format!("The VPC {} of the cluster {} does not exist.", cluster.vpc_id, cluster.cluster_id)),
        })
    }

    /// Makes what a connected key store has in its cluster's VPC, all at once: see [`keystead_core::port::HsmClusters::attach_network`].
    pub async fn attach_key_store(
        &self,
        account: &AccountId,
        cluster: &ClusterNetwork,
        id: &CustomKeyStoreId,
    ) -> Result<(), AttachNetworkError> {
        let attached = self
            .change_vpc_with(account, ResourceType::Vpc, &cluster.vpc_id, |vpc| {
                vpc.attach_key_store(cluster, id, self.now(), self.entropy())
            })
            .await;
        match (attached, cluster.subnet_ids.first()) {
            // Where there is no VPC there is no subnet.
            (Err(NetworkError::VpcNotFound(_)), Some(subnet_id)) => {
                Err(AttachNetworkError::SubnetNotFound(subnet_id.clone()))
            }
            (attached, _) => attached.map_err(AttachNetworkError::from),
        }
    }

    /// Removes what [`Network::attach_key_store`] made, in whichever VPC it is. No error where it is gone.
    pub async fn detach_key_store(&self, account: &AccountId, id: &CustomKeyStoreId) -> Result<(), StoreError> {
        let name = key_store_security_group_name(id);
        let is_attached = |vpc: &Vpc| vpc.security_group_named(&name).is_some();
        let attached = self.vpcs(account).await?.into_iter().filter(is_attached);
        for vpc_id in attached.map(|vpc| vpc.vpc_id) {
            self.change_vpc(
                account,
                |vpc| vpc.vpc_id == vpc_id,
                |vpc| {
                    vpc.detach_key_store(id);
                    Ok::<(), StoreError>(())
                },
            )
            .await?;
        }
        Ok(())
    }
}

fn ipv4(address: IpAddr) -> Result<Ipv4Addr, NetworkError> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(address) => {
            let reason = "Subnets have IPv4 addresses only.";
            Err(NetworkError::invalid_value("privateIpAddress", address.to_string(), reason))
        }
    }
}
