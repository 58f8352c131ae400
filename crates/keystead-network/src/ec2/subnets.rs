//! CreateSubnet, DescribeSubnets, DeleteSubnet.

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::selection::{Described, Selection};
use super::tag_specification::{tag_set, take_tag_specification};
use crate::availability_zone::{availability_zones, zone_id};
use crate::cidr_block::parse_cidr_block;
use crate::error::NetworkError;
use crate::network::Network;
use crate::resource_id::ResourceType;
use crate::subnet::{NewSubnet, Subnet};
use crate::tag::Tags;
use crate::vpc::Vpc;

const AVAILABLE: &str = "available";

pub(super) async fn create_subnet(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let vpc_id = parameters.required("VpcId")?;
    let cidr_block = parse_cidr_block("cidrBlock", &parameters.required("CidrBlock")?)?;
    let (name, id) = (parameters.take("AvailabilityZone"), parameters.take("AvailabilityZoneId"));
    let tags = take_tag_specification(&mut parameters, ResourceType::Subnet)?;
    parameters.only("Ipv6Native", "false")?;
    let network = call.begin(parameters)?;
    let new = NewSubnet { cidr_block, availability_zone: zone_name(network, name, id)?, tags };
    let record = network
        .change_vpc_with(call.account(), ResourceType::Vpc, &vpc_id, |vpc| {
            let subnet_id = vpc.create_subnet(new.clone(), network.entropy())?;
            let subnet = vpc.subnet(&subnet_id)?.clone();
            Ok(SubnetOfVpc::new(vpc, subnet, call))
        })
        .await?;
    Ok(Structure::default().with("subnet", record.answer()))
}

/// The zone asked for, by its name or its ID.
fn zone_name(network: &Network, name: Option<String>, id: Option<String>) -> Result<Option<String>, Ec2Error> {
    let Some(id) = id else { return Ok(name) };
    if name.is_some() {
        let message = "The parameters AvailabilityZone and AvailabilityZoneId cannot be used together.";
        return Err(NetworkError::InvalidParameterCombination(message.to_owned()).into());
    }
    let zone = availability_zones(network.region()).into_iter().find(|zone| zone.zone_id == id);
    zone.map(|zone| Some(zone.zone_name))
        .ok_or_else(|| NetworkError::invalid_value("availabilityZoneId", id, "The Region has no such zone.").into())
}

pub(super) async fn describe_subnets(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let selection = Selection::take::<SubnetOfVpc>(&mut parameters, Some("SubnetId"))?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    let records = vpcs.iter().flat_map(|vpc| vpc.subnets.iter().map(|it| SubnetOfVpc::new(vpc, it.clone(), call)));
    selection.answer("subnetSet", records.collect())
}

pub(super) async fn delete_subnet(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let id = parameters.required("SubnetId")?;
    let network = call.begin(parameters)?;
    network.change_vpc_with(call.account(), ResourceType::Subnet, &id, |vpc| vpc.delete_subnet(&id)).await?;
    Ok(done())
}

/// A subnet with what its VPC knows of it.
pub(super) struct SubnetOfVpc {
    subnet: Subnet,
    vpc_id: String,
    owner_id: String,
    arn: String,
    availability_zone_id: String,
    available_ip_address_count: u32,
}

impl SubnetOfVpc {
    fn new(vpc: &Vpc, subnet: Subnet, call: &Call<'_>) -> Self {
        Self {
            vpc_id: vpc.vpc_id.clone(),
            owner_id: vpc.account.to_string(),
            arn: call.arn(ResourceType::Subnet.name(), &subnet.subnet_id),
            availability_zone_id: zone_id(&vpc.region, &subnet.availability_zone).unwrap_or_default(),
            available_ip_address_count: vpc.available_ip_address_count(&subnet),
            subnet,
        }
    }
}

impl Filtered for SubnetOfVpc {
    const FILTERS: &'static [&'static str] = &[
        "availability-zone",
        "availabilityZone",
        "availability-zone-id",
        "availabilityZoneId",
        "available-ip-address-count",
        "cidr-block",
        "cidr",
        "cidrBlock",
        "default-for-az",
        "defaultForAz",
        "enable-dns64",
        "ipv6-native",
        "map-customer-owned-ip-on-launch",
        "map-public-ip-on-launch",
        "owner-id",
        "state",
        "subnet-arn",
        "subnet-id",
        "vpc-id",
    ];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[
        "customer-owned-ipv4-pool",
        "enable-lni-at-device-index",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.state",
        "outpost-arn",
        "private-dns-name-options-on-launch.hostname-type",
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
    ];

    fn filter_values(&self, filter: &str) -> Vec<String> {
        let value = match filter {
            "availability-zone" | "availabilityZone" => self.subnet.availability_zone.clone(),
            "availability-zone-id" | "availabilityZoneId" => self.availability_zone_id.clone(),
            "available-ip-address-count" => self.available_ip_address_count.to_string(),
            "cidr-block" | "cidr" | "cidrBlock" => self.subnet.cidr_block.to_string(),
            "default-for-az"
            | "defaultForAz"
            | "enable-dns64"
            | "ipv6-native"
            | "map-customer-owned-ip-on-launch"
            | "map-public-ip-on-launch" => false.to_string(),
            "owner-id" => self.owner_id.clone(),
            "state" => AVAILABLE.to_owned(),
            "subnet-arn" => self.arn.clone(),
            "subnet-id" => self.subnet.subnet_id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return Vec::new(),
        };
        vec![value]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.subnet.tags)
    }
}

impl Described for SubnetOfVpc {
    const OPERATION: &'static str = "DescribeSubnets";

    fn id(&self) -> String {
        self.subnet.subnet_id.clone()
    }

    fn answer(&self) -> Node {
        Structure::default()
            .with("subnetId", &self.subnet.subnet_id)
            .with("subnetArn", &self.arn)
            .with("state", AVAILABLE)
            .with("ownerId", &self.owner_id)
            .with("vpcId", &self.vpc_id)
            .with("cidrBlock", self.subnet.cidr_block.to_string())
            .with_list("ipv6CidrBlockAssociationSet", Vec::<Node>::new())
            .with("availableIpAddressCount", self.available_ip_address_count)
            .with("availabilityZone", &self.subnet.availability_zone)
            .with("availabilityZoneId", &self.availability_zone_id)
            .with("defaultForAz", false)
            .with("mapPublicIpOnLaunch", false)
            .with("mapCustomerOwnedIpOnLaunch", false)
            .with("assignIpv6AddressOnCreation", false)
            .with("enableDns64", false)
            .with("ipv6Native", false)
            .with("tagSet", tag_set(&self.subnet.tags))
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::SubnetNotFound(id.to_owned())
    }
}
