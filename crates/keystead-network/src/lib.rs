//! VPCs, subnets, security groups and network interfaces, so far as clusters of HSMs and key stores need them: real records with their
//! rules, and the EC2 operations on them. No packet flows.
//!
//! A [`Vpc`] is one aggregate, one document of the [`keystead_core::port::DocumentStore`]: what changes it is a function on it, and
//! [`Network`] makes each change one compare-and-set. [`Ec2Service`] is the EC2 query API.

mod availability_zone;
mod cidr_block;
mod ec2;
mod error;
mod key_store_network;
mod network;
mod network_interface;
mod permission;
mod quota;
mod resource_id;
mod security_group;
mod subnet;
mod tag;
mod vpc;

#[cfg(test)]
mod tests;

pub use availability_zone::{AvailabilityZone, availability_zones, zone_id};
pub use cidr_block::{NETWORK_PREFIX_LENGTHS, parse_cidr_block};
pub use ec2::Ec2Service;
pub use error::NetworkError;
pub use key_store_network::{
    ClusterNetwork, HSM_PORTS, KMS_REQUESTER_ID, cluster_security_group_name, key_store_security_group_name,
};
pub use network::{Network, NetworkInterfaceRecord, SampleVpc, SubnetRecord};
pub use network_interface::{NetworkInterface, NewNetworkInterface};
pub use permission::{IpProtocol, Peer, Permission, Traffic};
pub use quota::{QUOTAS, Quota, QuotaRow};
pub use resource_id::ResourceType;
pub use security_group::{DEFAULT_GROUP_NAME, Direction, NewRule, SecurityGroup, SecurityGroupRule};
pub use subnet::{NewSubnet, Subnet};
pub use tag::Tags;
pub use vpc::Vpc;
