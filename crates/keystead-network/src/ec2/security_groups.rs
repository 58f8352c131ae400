//! CreateSecurityGroup, DescribeSecurityGroups, DeleteSecurityGroup.

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::security_group_rules::ip_permissions;
use super::selection::{Described, Selection};
use super::tag_specification::{tag_set, take_tag_specification};
use crate::error::NetworkError;
use crate::permission::Peer;
use crate::resource_id::ResourceType;
use crate::security_group::{Direction, SecurityGroup, SecurityGroupRule};
use crate::tag::Tags;
use crate::vpc::Vpc;

pub(super) async fn create_security_group(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let name = parameters.required("GroupName")?;
    let description = parameters.required("GroupDescription")?;
    let vpc_id = parameters.take("VpcId").ok_or_else(Ec2Error::no_default_vpc)?;
    let tags = take_tag_specification(&mut parameters, ResourceType::SecurityGroup)?;
    let network = call.begin(parameters)?;
    let group_id = network
        .change_vpc_with(call.account(), ResourceType::Vpc, &vpc_id, |vpc| {
            vpc.create_security_group(&name, &description, tags.clone(), network.entropy())
        })
        .await?;
    Ok(done()
        .with("groupId", &group_id)
        .with("securityGroupArn", call.arn(ResourceType::SecurityGroup.name(), &group_id))
        .with("tagSet", tag_set(&tags)))
}

pub(super) async fn describe_security_groups(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    // The service model: names are for the default VPC only; for others there is the filter.
    if !parameters.list("GroupName").is_empty() {
        return Err(Ec2Error::no_default_vpc());
    }
    let selection = Selection::take::<GroupOfVpc>(&mut parameters, Some("GroupId"))?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    let records = vpcs.iter().flat_map(|vpc| vpc.security_groups.iter().map(|it| GroupOfVpc::new(vpc, it, call)));
    selection.answer("securityGroupInfo", records.collect())
}

pub(super) async fn delete_security_group(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let id = take_group_id(&mut parameters)?;
    let network = call.begin(parameters)?;
    network
        .change_vpc_with(call.account(), ResourceType::SecurityGroup, &id, |vpc| vpc.delete_security_group(&id))
        .await?;
    Ok(done().with("groupId", id))
}

/// The group that a request is about. Its name alone would do in a default VPC only.
pub(super) fn take_group_id(parameters: &mut Parameters) -> Result<String, Ec2Error> {
    match parameters.take("GroupId") {
        Some(id) => Ok(id),
        None if parameters.take("GroupName").is_some() => Err(Ec2Error::no_default_vpc()),
        None => Err(parameters.missing("GroupId").into()),
    }
}

/// A group with what its VPC knows of it.
pub(super) struct GroupOfVpc {
    group: SecurityGroup,
    vpc_id: String,
    owner_id: String,
    arn: String,
    /// Names of the groups that its rules name, with their IDs.
    referenced: Vec<(String, String)>,
}

impl GroupOfVpc {
    fn new(vpc: &Vpc, group: &SecurityGroup, call: &Call<'_>) -> Self {
        let referenced = group.rules.iter().filter_map(|rule| referenced_group(rule));
        let named = referenced.filter_map(|id| vpc.security_group(id).ok());
        Self {
            group: group.clone(),
            vpc_id: vpc.vpc_id.clone(),
            owner_id: vpc.account.to_string(),
            arn: call.arn(ResourceType::SecurityGroup.name(), &group.group_id),
            referenced: named.map(|named| (named.group_id.clone(), named.group_name.clone())).collect(),
        }
    }

    /// What a filter about rules compares with: one value for each rule of the direction that has one.
    fn rule_values(&self, direction: Direction, part: &str) -> Vec<String> {
        self.group.rules_of(direction).filter_map(|rule| self.rule_value(rule, part)).collect()
    }

    fn rule_value(&self, rule: &SecurityGroupRule, part: &str) -> Option<String> {
        let traffic = rule.permission.traffic;
        match part {
            "cidr" => match &rule.permission.peer {
                Peer::CidrIpv4(block) => Some(block.to_string()),
                Peer::SecurityGroup(_) => None,
            },
            "from-port" => traffic.ports.map(|(from, _)| from.to_string()),
            "to-port" => traffic.ports.map(|(_, to)| to.to_string()),
            "group-id" => referenced_group(rule).map(str::to_owned),
            "group-name" => {
                let id = referenced_group(rule)?;
                self.referenced.iter().find(|(named, _)| named == id).map(|(_, name)| name.clone())
            }
            "protocol" => Some(traffic.protocol.to_string()),
            "user-id" => referenced_group(rule).map(|_| self.owner_id.clone()),
            _ => None,
        }
    }
}

fn referenced_group(rule: &SecurityGroupRule) -> Option<&str> {
    match &rule.permission.peer {
        Peer::SecurityGroup(id) => Some(id),
        Peer::CidrIpv4(_) => None,
    }
}

const INGRESS_FILTERS: &str = "ip-permission.";
const EGRESS_FILTERS: &str = "egress.ip-permission.";

impl Filtered for GroupOfVpc {
    const FILTERS: &'static [&'static str] = &[
        "description",
        "egress.ip-permission.cidr",
        "egress.ip-permission.from-port",
        "egress.ip-permission.group-id",
        "egress.ip-permission.group-name",
        "egress.ip-permission.protocol",
        "egress.ip-permission.to-port",
        "egress.ip-permission.user-id",
        "group-id",
        "group-name",
        "ip-permission.cidr",
        "ip-permission.from-port",
        "ip-permission.group-id",
        "ip-permission.group-name",
        "ip-permission.protocol",
        "ip-permission.to-port",
        "ip-permission.user-id",
        "owner-id",
        "vpc-id",
    ];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[
        "egress.ip-permission.ipv6-cidr",
        "egress.ip-permission.prefix-list-id",
        "ip-permission.ipv6-cidr",
        "ip-permission.prefix-list-id",
    ];

    fn filter_values(&self, filter: &str) -> Vec<String> {
        if let Some(part) = filter.strip_prefix(EGRESS_FILTERS) {
            return self.rule_values(Direction::Egress, part);
        }
        if let Some(part) = filter.strip_prefix(INGRESS_FILTERS) {
            return self.rule_values(Direction::Ingress, part);
        }
        let value = match filter {
            "description" => &self.group.description,
            "group-id" => &self.group.group_id,
            "group-name" => &self.group.group_name,
            "owner-id" => &self.owner_id,
            "vpc-id" => &self.vpc_id,
            _ => return Vec::new(),
        };
        vec![value.clone()]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.group.tags)
    }
}

impl Described for GroupOfVpc {
    const OPERATION: &'static str = "DescribeSecurityGroups";

    fn id(&self) -> String {
        self.group.group_id.clone()
    }

    fn answer(&self) -> Node {
        let permissions = |direction| ip_permissions(self.group.rules_of(direction), &self.owner_id);
        Structure::default()
            .with("ownerId", &self.owner_id)
            .with("groupId", &self.group.group_id)
            .with("securityGroupArn", &self.arn)
            .with("groupName", &self.group.group_name)
            .with("groupDescription", &self.group.description)
            .with("vpcId", &self.vpc_id)
            .with("ipPermissions", permissions(Direction::Ingress))
            .with("ipPermissionsEgress", permissions(Direction::Egress))
            .with("tagSet", tag_set(&self.group.tags))
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::GroupNotFound(id.to_owned())
    }
}
