//! A VPC and all that is in it: one aggregate, which changes at once.

use ipnet::Ipv4Net;
use keystead_core::port::Entropy;
use keystead_model::arn::{AccountId, Region};
use serde::{Deserialize, Serialize};

use crate::cidr_block::{has_network_size, is_for_hosts};
use crate::error::NetworkError;
use crate::network_interface::NetworkInterface;
use crate::resource_id::ResourceType;
use crate::security_group::SecurityGroup;
use crate::subnet::Subnet;
use crate::tag::Tags;

/// A virtual private cloud.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-` and 17 hexadecimal digits.
    pub vpc_id: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it lives in.
    pub region: Region,
    /// Its addresses: /16 to /28.
    pub cidr_block: Ipv4Net,
    /// Whether AWS made it for the account. There are no default VPCs here.
    pub is_default: bool,
    /// Its tags.
    pub tags: Tags,
    /// Its subnets, in the order they were made.
    pub subnets: Vec<Subnet>,
    /// Its security groups, the default one first.
    pub security_groups: Vec<SecurityGroup>,
    /// Its network interfaces, in the order they were made.
    pub network_interfaces: Vec<NetworkInterface>,
}

impl Vpc {
    /// A new VPC with its default security group and nothing else.
    ///
    /// Fails with `InvalidVpc.Range`.
    pub fn new(
        account: AccountId,
        region: Region,
        cidr_block: Ipv4Net,
        tags: Tags,
        entropy: &dyn Entropy,
    ) -> Result<Self, NetworkError> {
        if !has_network_size(&cidr_block) || !is_for_hosts(&cidr_block) {
            return Err(NetworkError::VpcRange(cidr_block.to_string()));
        }
        Ok(Self {
            vpc_id: ResourceType::Vpc.new_id(entropy),
            account,
            region,
            cidr_block,
            is_default: false,
            tags,
            subnets: Vec::new(),
            security_groups: vec![SecurityGroup::default_of_vpc(entropy)],
            network_interfaces: Vec::new(),
        })
    }

    /// Whether nothing but the default security group is left in it, which goes with it.
    ///
    /// Fails with `DependencyViolation`.
    pub fn check_deletable(&self) -> Result<(), NetworkError> {
        let only_default_group = self.security_groups.iter().all(SecurityGroup::is_default);
        if only_default_group && self.subnets.is_empty() && self.network_interfaces.is_empty() {
            return Ok(());
        }
        Err(NetworkError::DependencyViolation { resource_type: ResourceType::Vpc, id: self.vpc_id.clone() })
    }

    /// The type and the tags of every resource, with its ID: first the VPC.
    pub fn tagged_resources(&self) -> impl Iterator<Item = (ResourceType, &str, &Tags)> {
        let rules = self.security_groups.iter().flat_map(|group| &group.rules);
        std::iter::once((ResourceType::Vpc, self.vpc_id.as_str(), &self.tags))
            .chain(self.subnets.iter().map(|it| (ResourceType::Subnet, it.subnet_id.as_str(), &it.tags)))
            .chain(self.security_groups.iter().map(|it| (ResourceType::SecurityGroup, it.group_id.as_str(), &it.tags)))
            .chain(rules.map(|it| (ResourceType::SecurityGroupRule, it.rule_id.as_str(), &it.tags)))
            .chain(
                self.network_interfaces
                    .iter()
                    .map(|it| (ResourceType::NetworkInterface, it.network_interface_id.as_str(), &it.tags)),
            )
    }

    /// Whether it is, or has, the resource of that type and ID.
    pub fn has(&self, resource_type: ResourceType, id: &str) -> bool {
        self.tagged_resources().any(|(its_type, its_id, _)| its_type == resource_type && its_id == id)
    }

    /// The tags of the resource of that ID, to change them.
    pub fn tags_mut(&mut self, id: &str) -> Option<&mut Tags> {
        if self.vpc_id == id {
            return Some(&mut self.tags);
        }
        if let Some(subnet) = self.subnets.iter_mut().find(|subnet| subnet.subnet_id == id) {
            return Some(&mut subnet.tags);
        }
        if let Some(interface) = self.network_interfaces.iter_mut().find(|it| it.network_interface_id == id) {
            return Some(&mut interface.tags);
        }
        for group in &mut self.security_groups {
            if group.group_id == id {
                return Some(&mut group.tags);
            }
            if let Some(rule) = group.rules.iter_mut().find(|rule| rule.rule_id == id) {
                return Some(&mut rule.tags);
            }
        }
        None
    }
}
