//! CreateNetworkInterface, DescribeNetworkInterfaces, DeleteNetworkInterface.

use std::net::Ipv4Addr;

use keystead_core::audit::iso8601;
use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::selection::{Described, Selection};
use super::tag_specification::{tag_set, take_tag_specification};
use crate::availability_zone::zone_id;
use crate::error::NetworkError;
use crate::network_interface::{NetworkInterface, NewNetworkInterface};
use crate::resource_id::ResourceType;
use crate::tag::Tags;
use crate::vpc::Vpc;

const INTERFACE_TYPE: &str = "interface";
/// Who owns the hosts that managed interfaces are attached to.
const ATTACHMENT_OWNER: &str = "amazon-aws";
const ATTACHED: &str = "attached";
/// The first interface of such a host is its own network's.
const DEVICE_INDEX: i32 = 1;

pub(super) async fn create_network_interface(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    let new = take_new(&mut parameters)?;
    let client_token = new.client_token.clone();
    let network = call.begin(parameters)?;
    let record = network
        .change_vpc_with(call.account(), ResourceType::Subnet, &new.subnet_id, |vpc| {
            let interface = vpc.create_network_interface(new.clone(), network.now(), network.entropy())?;
            Ok(InterfaceOfVpc::new(vpc, interface))
        })
        .await?;
    Ok(Structure::default().with("networkInterface", record.answer()).with_some("clientToken", client_token))
}

fn take_new(parameters: &mut Parameters) -> Result<NewNetworkInterface, Ec2Error> {
    parameters.only("InterfaceType", INTERFACE_TYPE)?;
    parameters.only("EnablePrimaryIpv6", "false")?;
    let address = parameters.take("PrivateIpAddress").map(|text| {
        text.parse::<Ipv4Addr>()
            .map_err(|_| NetworkError::invalid_value("privateIpAddress", text, "This is not a valid IPv4 address."))
    });
    Ok(NewNetworkInterface {
        subnet_id: parameters.required("SubnetId")?,
        description: parameters.take("Description").unwrap_or_default(),
        group_ids: parameters.list("SecurityGroupId"),
        address: address.transpose()?,
        requester_id: None,
        client_token: parameters.take("ClientToken"),
        tags: take_tag_specification(parameters, ResourceType::NetworkInterface)?,
    })
}

pub(super) async fn describe_network_interfaces(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    // It is about interfaces that operators hide; there are none.
    parameters.boolean("IncludeManagedResources")?;
    let selection = Selection::take::<InterfaceOfVpc>(&mut parameters, Some("NetworkInterfaceId"))?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    let records =
        vpcs.iter().flat_map(|vpc| vpc.network_interfaces.iter().map(|it| InterfaceOfVpc::new(vpc, it.clone())));
    selection.answer("networkInterfaceSet", records.collect())
}

pub(super) async fn delete_network_interface(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    let id = parameters.required("NetworkInterfaceId")?;
    let network = call.begin(parameters)?;
    network
        .change_vpc_with(call.account(), ResourceType::NetworkInterface, &id, |vpc| vpc.delete_network_interface(&id))
        .await?;
    Ok(done())
}

/// A network interface with what its VPC knows of it.
pub(super) struct InterfaceOfVpc {
    interface: NetworkInterface,
    vpc_id: String,
    owner_id: String,
    availability_zone: String,
    availability_zone_id: String,
    /// IDs and names.
    groups: Vec<(String, String)>,
}

impl InterfaceOfVpc {
    fn new(vpc: &Vpc, interface: NetworkInterface) -> Self {
        let subnet = vpc.subnet(&interface.subnet_id).ok();
        let availability_zone = subnet.map(|subnet| subnet.availability_zone.clone()).unwrap_or_default();
        let groups = interface.group_ids.iter().filter_map(|id| vpc.security_group(id).ok());
        Self {
            vpc_id: vpc.vpc_id.clone(),
            owner_id: vpc.account.to_string(),
            availability_zone_id: zone_id(&vpc.region, &availability_zone).unwrap_or_default(),
            availability_zone,
            groups: groups.map(|group| (group.group_id.clone(), group.group_name.clone())).collect(),
            interface,
        }
    }

    /// Only what a service manages is attached to anything.
    fn if_attached<T>(&self, value: T) -> Option<T> {
        self.interface.requester_managed().then_some(value)
    }

    /// Made of the interface's own ID.
    fn attachment_id(&self) -> String {
        let id = &self.interface.network_interface_id;
        id.replacen(ResourceType::NetworkInterface.prefix(), "ela-attach-", 1)
    }

    fn attachment(&self) -> Structure {
        Structure::default()
            .with("attachmentId", self.attachment_id())
            .with("instanceOwnerId", ATTACHMENT_OWNER)
            .with("deviceIndex", DEVICE_INDEX)
            .with("networkCardIndex", 0)
            .with("status", ATTACHED)
            .with("attachTime", iso8601(self.interface.created))
            .with("deleteOnTermination", false)
    }

    fn attachment_value(&self, part: &str) -> Option<String> {
        self.if_attached(match part {
            "attach-time" => iso8601(self.interface.created),
            "attachment-id" => self.attachment_id(),
            "delete-on-termination" => false.to_string(),
            "device-index" => DEVICE_INDEX.to_string(),
            "instance-owner-id" => ATTACHMENT_OWNER.to_owned(),
            "status" => ATTACHED.to_owned(),
            _ => return None,
        })
    }
}

const ATTACHMENT_FILTERS: &str = "attachment.";

impl Filtered for InterfaceOfVpc {
    const FILTERS: &'static [&'static str] = &[
        "addresses.primary",
        "addresses.private-ip-address",
        "attachment.attach-time",
        "attachment.attachment-id",
        "attachment.delete-on-termination",
        "attachment.device-index",
        "attachment.instance-owner-id",
        "attachment.status",
        "availability-zone",
        "availability-zone-id",
        "description",
        "group-id",
        "group-name",
        "interface-type",
        "mac-address",
        "network-interface-id",
        "operator.managed",
        "owner-id",
        "private-ip-address",
        "requester-id",
        "requester-managed",
        "source-dest-check",
        "status",
        "subnet-id",
        "vpc-id",
    ];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[
        "association.allocation-id",
        "association.association-id",
        "addresses.association.owner-id",
        "addresses.association.public-ip",
        "association.ip-owner-id",
        "association.public-ip",
        "association.public-dns-name",
        "attachment.instance-id",
        "ipv6-addresses.ipv6-address",
        "operator.principal",
        "private-dns-name",
    ];

    fn filter_values(&self, filter: &str) -> Vec<String> {
        if let Some(part) = filter.strip_prefix(ATTACHMENT_FILTERS) {
            return self.attachment_value(part).into_iter().collect();
        }
        let interface = &self.interface;
        let value = match filter {
            "group-id" => return self.groups.iter().map(|(id, _)| id.clone()).collect(),
            "group-name" => return self.groups.iter().map(|(_, name)| name.clone()).collect(),
            "requester-id" => return interface.requester_id.clone().into_iter().collect(),
            "addresses.primary" | "source-dest-check" => true.to_string(),
            "addresses.private-ip-address" | "private-ip-address" => interface.private_ip_address.to_string(),
            "availability-zone" => self.availability_zone.clone(),
            "availability-zone-id" => self.availability_zone_id.clone(),
            "description" => interface.description.clone(),
            "interface-type" => INTERFACE_TYPE.to_owned(),
            "mac-address" => interface.mac_address.clone(),
            "network-interface-id" => interface.network_interface_id.clone(),
            "operator.managed" => false.to_string(),
            "owner-id" => self.owner_id.clone(),
            "requester-managed" => interface.requester_managed().to_string(),
            "status" => interface.status().to_owned(),
            "subnet-id" => interface.subnet_id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return Vec::new(),
        };
        vec![value]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.interface.tags)
    }
}

impl Described for InterfaceOfVpc {
    const OPERATION: &'static str = "DescribeNetworkInterfaces";

    fn id(&self) -> String {
        self.interface.network_interface_id.clone()
    }

    fn answer(&self) -> Node {
        let interface = &self.interface;
        let address = interface.private_ip_address.to_string();
        let groups =
            self.groups.iter().map(|(id, name)| Structure::default().with("groupId", id).with("groupName", name));
        let addresses = [Structure::default().with("privateIpAddress", &address).with("primary", true)];
        Structure::default()
            .with("networkInterfaceId", &interface.network_interface_id)
            .with("subnetId", &interface.subnet_id)
            .with("vpcId", &self.vpc_id)
            .with("availabilityZone", &self.availability_zone)
            .with("availabilityZoneId", &self.availability_zone_id)
            .with("description", &interface.description)
            .with("ownerId", &self.owner_id)
            .with_some("requesterId", interface.requester_id.as_ref())
            .with("requesterManaged", interface.requester_managed())
            .with("status", interface.status())
            .with("macAddress", &interface.mac_address)
            .with("privateIpAddress", address)
            .with("sourceDestCheck", true)
            .with_list("groupSet", groups)
            .with_some("attachment", self.if_attached(self.attachment()))
            .with("tagSet", tag_set(&interface.tags))
            .with_list("privateIpAddressesSet", addresses)
            .with_list("ipv6AddressesSet", Vec::<Node>::new())
            .with("interfaceType", INTERFACE_TYPE)
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::NetworkInterfaceNotFound(id.to_owned())
    }
}
