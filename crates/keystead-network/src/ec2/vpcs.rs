//! CreateVpc, DescribeVpcs, DeleteVpc.

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::selection::{Described, Selection};
use super::tag_specification::{tag_set, take_tag_specification};
use crate::cidr_block::parse_cidr_block;
use crate::error::NetworkError;
use crate::resource_id::ResourceType;
use crate::tag::Tags;
use crate::vpc::Vpc;

const AVAILABLE: &str = "available";
/// The state of the VPC's one CIDR block.
const ASSOCIATED: &str = "associated";
const DEFAULT_TENANCY: &str = "default";
/// No DHCP options are served; this is what AWS calls having none.
const DEFAULT_DHCP_OPTIONS: &str = "default";

pub(super) async fn create_vpc(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let cidr_block = parse_cidr_block("cidrBlock", &parameters.required("CidrBlock")?)?;
    let tags = take_tag_specification(&mut parameters, ResourceType::Vpc)?;
    parameters.only("InstanceTenancy", DEFAULT_TENANCY)?;
    parameters.only("AmazonProvidedIpv6CidrBlock", "false")?;
    let vpc = call.begin(parameters)?.create_vpc(call.account(), cidr_block, tags).await?;
    Ok(Structure::default().with("vpc", vpc.answer()))
}

pub(super) async fn describe_vpcs(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let selection = Selection::take::<Vpc>(&mut parameters, Some("VpcId"))?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    selection.answer("vpcSet", vpcs)
}

pub(super) async fn delete_vpc(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let vpc_id = parameters.required("VpcId")?;
    call.begin(parameters)?.delete_vpc(call.account(), &vpc_id, Vpc::check_deletable).await?;
    Ok(done())
}

impl Vpc {
    /// The ID of the association with its one CIDR block: made of its own.
    fn association_id(&self) -> String {
        self.vpc_id.replacen(ResourceType::Vpc.prefix(), "vpc-cidr-assoc-", 1)
    }
}

impl Filtered for Vpc {
    const FILTERS: &'static [&'static str] = &[
        "cidr",
        "cidrBlock",
        "cidr-block",
        "cidr-block-association.cidr-block",
        "cidr-block-association.association-id",
        "cidr-block-association.state",
        "dhcp-options-id",
        "is-default",
        "isDefault",
        "owner-id",
        "state",
        "vpc-id",
    ];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "ipv6-cidr-block-association.ipv6-pool",
        "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.state",
    ];

    fn filter_values(&self, filter: &str) -> Vec<String> {
        let value = match filter {
            "cidr" | "cidrBlock" | "cidr-block" | "cidr-block-association.cidr-block" => self.cidr_block.to_string(),
            "cidr-block-association.association-id" => self.association_id(),
            "cidr-block-association.state" => ASSOCIATED.to_owned(),
            "dhcp-options-id" => DEFAULT_DHCP_OPTIONS.to_owned(),
            "is-default" | "isDefault" => self.is_default.to_string(),
            "owner-id" => self.account.to_string(),
            "state" => AVAILABLE.to_owned(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return Vec::new(),
        };
        vec![value]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl Described for Vpc {
    const OPERATION: &'static str = "DescribeVpcs";

    fn id(&self) -> String {
        self.vpc_id.clone()
    }

    fn answer(&self) -> Node {
        let association = Structure::default()
            .with("associationId", self.association_id())
            .with("cidrBlock", self.cidr_block.to_string())
            .with("cidrBlockState", Structure::default().with("state", ASSOCIATED));
        Structure::default()
            .with("vpcId", &self.vpc_id)
            .with("ownerId", self.account.as_str())
            .with("state", AVAILABLE)
            .with("cidrBlock", self.cidr_block.to_string())
            .with_list("cidrBlockAssociationSet", [association])
            .with("dhcpOptionsId", DEFAULT_DHCP_OPTIONS)
            .with("instanceTenancy", DEFAULT_TENANCY)
            .with("isDefault", self.is_default)
            .with("tagSet", tag_set(&self.tags))
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::VpcNotFound(id.to_owned())
    }
}
