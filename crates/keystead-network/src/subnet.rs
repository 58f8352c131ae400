//! Subnets, and the addresses that they give out.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use keystead_core::port::Entropy;
use serde::{Deserialize, Serialize};

use crate::availability_zone::availability_zones;
use crate::cidr_block::{has_network_size, overlap};
use crate::error::NetworkError;
use crate::quota::Quota;
use crate::resource_id::ResourceType;
use crate::tag::Tags;
use crate::vpc::Vpc;

/// The first addresses of a subnet, which AWS keeps: network, router, DNS, future use. It keeps the last one too (Amazon VPC User Guide,
/// "Subnet sizing for IPv4").
const RESERVED_FIRST: u32 = 4;
const RESERVED: u32 = RESERVED_FIRST + 1;

/// A subnet. All are private: there are no gateways here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet-` and 17 hexadecimal digits.
    pub subnet_id: String,
    /// Its addresses: /16 to /28 within the VPC's.
    pub cidr_block: Ipv4Net,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// Its tags.
    pub tags: Tags,
}

impl Subnet {
    /// How many addresses it can give out at most.
    pub fn address_count(&self) -> u32 {
        // At least 16, because a subnet is at most a /28.
        (1 << (32 - u32::from(self.cidr_block.prefix_len()))) - RESERVED
    }

    /// The addresses that it can give out, lowest first.
    fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let first = u32::from(self.cidr_block.network()) + RESERVED_FIRST;
        (first..u32::from(self.cidr_block.broadcast())).map(Ipv4Addr::from)
    }
}

/// A subnet to be made.
#[derive(Clone, Debug)]
pub struct NewSubnet {
    /// Its addresses.
    pub cidr_block: Ipv4Net,
    /// Such as `us-east-1a`; `None` for the one that AWS chooses: here the first.
    pub availability_zone: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Vpc {
    /// Makes a subnet and gives its ID.
    ///
    /// Fails with `InvalidSubnet.Range`, `InvalidSubnet.Conflict`, `InvalidParameterValue` (the zone) or `SubnetLimitExceeded`.
    pub fn create_subnet(&mut self, new: NewSubnet, entropy: &dyn Entropy) -> Result<String, NetworkError> {
        let availability_zone = self.zone_for(new.availability_zone)?;
        let block = new.cidr_block;
        if !has_network_size(&block) || !self.cidr_block.contains(&block) {
            return Err(NetworkError::SubnetRange(block.to_string()));
        }
        if self.subnets.iter().any(|subnet| overlap(&subnet.cidr_block, &block)) {
            return Err(NetworkError::SubnetConflict(block.to_string()));
        }
        if self.subnets.len() >= Quota::Subnets.max() {
            return Err(NetworkError::QuotaExceeded(Quota::Subnets));
        }
        let subnet_id = ResourceType::Subnet.new_id(entropy);
        self.subnets.push(Subnet {
            subnet_id: subnet_id.clone(),
            cidr_block: block,
            availability_zone,
            tags: new.tags,
        });
        Ok(subnet_id)
    }

    fn zone_for(&self, asked: Option<String>) -> Result<String, NetworkError> {
        let names: Vec<_> = availability_zones(&self.region).into_iter().map(|zone| zone.zone_name).collect();
        match asked {
            Some(name) if names.contains(&name) => Ok(name),
            Some(name) => Err(NetworkError::invalid_value(
                "availabilityZone",
                name,
                format!(
                    "Subnets can currently only be created in the following availability zones: {}.",
                    names.join(", ")
                ),
            )),
            None => Ok(names.into_iter().next().unwrap_or_default()),
        }
    }

    /// Deletes a subnet. A cluster of HSMs may list it: AWS allows that, and a connect then fails with SUBNET_NOT_FOUND.
    ///
    /// Fails with `InvalidSubnetID.NotFound`, or with `DependencyViolation` while a network interface is in it.
    pub fn delete_subnet(&mut self, subnet_id: &str) -> Result<(), NetworkError> {
        self.subnet(subnet_id)?;
        if self.network_interfaces.iter().any(|interface| interface.subnet_id == subnet_id) {
            return Err(NetworkError::DependencyViolation {
                resource_type: ResourceType::Subnet,
                id: subnet_id.to_owned(),
            });
        }
        self.subnets.retain(|subnet| subnet.subnet_id != subnet_id);
        Ok(())
    }

    /// The subnet of that ID; `InvalidSubnetID.NotFound` if there is none.
    pub fn subnet(&self, subnet_id: &str) -> Result<&Subnet, NetworkError> {
        self.subnets
            .iter()
            .find(|subnet| subnet.subnet_id == subnet_id)
            .ok_or_else(|| NetworkError::SubnetNotFound(subnet_id.to_owned()))
    }

    /// How many addresses a subnet can still give out.
    pub fn available_ip_address_count(&self, subnet: &Subnet) -> u32 {
        subnet.address_count().saturating_sub(self.addresses_in_use(subnet).len() as u32)
    }

    fn addresses_in_use(&self, subnet: &Subnet) -> BTreeSet<Ipv4Addr> {
        self.network_interfaces
            .iter()
            .filter(|interface| interface.subnet_id == subnet.subnet_id)
            .map(|interface| interface.private_ip_address)
            .collect()
    }

    /// An address that nobody has: the one asked for, or the lowest.
    ///
    /// Fails with `InvalidParameterValue`, `InvalidIPAddress.InUse` or `InsufficientFreeAddressesInSubnet`.
    pub(crate) fn free_address(&self, subnet: &Subnet, asked: Option<Ipv4Addr>) -> Result<Ipv4Addr, NetworkError> {
        let in_use = self.addresses_in_use(subnet);
        let Some(address) = asked else {
            return subnet
                .addresses()
                .find(|address| !in_use.contains(address))
                .ok_or_else(|| NetworkError::InsufficientFreeAddresses(subnet.subnet_id.clone()));
        };
        let refused = |reason: &str| NetworkError::invalid_value("privateIpAddress", address.to_string(), reason);
        if !subnet.cidr_block.contains(&address) {
            return Err(refused("Address does not fall within the subnet's address range."));
        }
        if !subnet.addresses().any(|assignable| assignable == address) {
            return Err(refused("Address is in subnet's reserved address range."));
        }
        if in_use.contains(&address) {
            return Err(NetworkError::AddressInUse(address));
        }
        Ok(address)
    }
}
