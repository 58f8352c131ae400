//! DescribeSecurityGroupRules, and to authorize and revoke ingress and egress.

use std::collections::BTreeMap;

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::security_groups::take_group_id;
use super::selection::{Described, Selection};
use super::tag_specification::{tag_set, take_tag_specification};
use crate::cidr_block::parse_cidr_block;
use crate::error::NetworkError;
use crate::permission::{IpProtocol, Peer, Traffic};
use crate::resource_id::ResourceType;
use crate::security_group::{Direction, NewRule, SecurityGroupRule};
use crate::tag::Tags;

pub(super) async fn authorize_ingress(call: &Call<'_>, parameters: Parameters) -> Result<Structure, Ec2Error> {
    authorize(call, parameters, Direction::Ingress).await
}

pub(super) async fn authorize_egress(call: &Call<'_>, parameters: Parameters) -> Result<Structure, Ec2Error> {
    authorize(call, parameters, Direction::Egress).await
}

pub(super) async fn revoke_ingress(call: &Call<'_>, parameters: Parameters) -> Result<Structure, Ec2Error> {
    revoke(call, parameters, Direction::Ingress).await
}

pub(super) async fn revoke_egress(call: &Call<'_>, parameters: Parameters) -> Result<Structure, Ec2Error> {
    revoke(call, parameters, Direction::Egress).await
}

async fn authorize(call: &Call<'_>, mut parameters: Parameters, direction: Direction) -> Result<Structure, Ec2Error> {
    let group_id = take_group_id(&mut parameters)?;
    let tags = take_tag_specification(&mut parameters, ResourceType::SecurityGroupRule)?;
    let mut rules = take_rules(&mut parameters, direction, call)?;
    if rules.is_empty() {
        return Err(parameters.missing("IpPermissions").into());
    }
    rules.iter_mut().for_each(|rule| rule.tags = tags.clone());
    let network = call.begin(parameters)?;
    let made = network
        .change_vpc_with(call.account(), ResourceType::SecurityGroup, &group_id, |vpc| {
            let made = vpc.authorize_security_group(&group_id, direction, rules.clone(), network.entropy())?;
            Ok(made.into_iter().map(|rule| RuleOfGroup::new(&vpc.vpc_id, &group_id, rule, call)).collect::<Vec<_>>())
        })
        .await?;
    Ok(done().with_list("securityGroupRuleSet", made.iter().map(Described::answer)))
}

async fn revoke(call: &Call<'_>, mut parameters: Parameters, direction: Direction) -> Result<Structure, Ec2Error> {
    let group_id = take_group_id(&mut parameters)?;
    let rule_ids = parameters.list("SecurityGroupRuleId");
    let permissions: Vec<_> =
        take_rules(&mut parameters, direction, call)?.into_iter().map(|rule| rule.permission).collect();
    match (rule_ids.is_empty(), permissions.is_empty()) {
        (true, true) => return Err(parameters.missing("IpPermissions").into()),
        (false, false) => {
            let message = "The parameters SecurityGroupRuleIds and IpPermissions cannot be used together.";
            return Err(NetworkError::InvalidParameterCombination(message.to_owned()).into());
        }
        (true, false) | (false, true) => {}
    }
    let network = call.begin(parameters)?;
    let revoked = network
        .change_vpc_with(call.account(), ResourceType::SecurityGroup, &group_id, |vpc| {
            if permissions.is_empty() {
                vpc.revoke_rules(&group_id, direction, &rule_ids)
            } else {
                vpc.revoke_permissions(&group_id, direction, &permissions)
            }
        })
        .await?;
    let revoked = revoked.iter().map(|rule| revoked_answer(&group_id, rule));
    Ok(done().with_list("revokedSecurityGroupRuleSet", revoked))
}

/// The rules that a request names: `IpPermissions.N`, or, for ingress only, one with its members beside the others.
fn take_rules(parameters: &mut Parameters, direction: Direction, call: &Call<'_>) -> Result<Vec<NewRule>, Ec2Error> {
    let mut rules = Vec::new();
    for mut permission in parameters.structures("IpPermissions") {
        rules.extend(take_permission(&mut permission, call)?);
        permission.finish()?;
    }
    if let Some(block) = (direction == Direction::Ingress).then(|| parameters.take("CidrIp")).flatten() {
        let traffic = take_traffic(parameters)?;
        rules.push(NewRule::of(traffic, Peer::CidrIpv4(parse_cidr_block("cidrIp", &block)?)));
    }
    Ok(rules)
}

/// The rules of one `IpPermission`: one for each group and each block.
fn take_permission(permission: &mut Parameters, call: &Call<'_>) -> Result<Vec<NewRule>, Ec2Error> {
    let traffic = take_traffic(permission)?;
    let mut rules = Vec::new();
    for mut range in permission.structures("IpRanges") {
        let block = parse_cidr_block("cidrIp", &range.required("CidrIp")?)?;
        rules.push(take_rule(traffic, Peer::CidrIpv4(block), range)?);
    }
    for mut group in permission.structures("Groups") {
        let id = take_referenced_group(&mut group, call)?;
        rules.push(take_rule(traffic, Peer::SecurityGroup(id), group)?);
    }
    if rules.is_empty() {
        let message = "A permission needs IpRanges with a CidrIp, or Groups with a GroupId.";
        return Err(NetworkError::PermissionMalformed(message.to_owned()).into());
    }
    Ok(rules)
}

fn take_traffic(parameters: &mut Parameters) -> Result<Traffic, Ec2Error> {
    let text = parameters.required("IpProtocol")?;
    let protocol = IpProtocol::parse(&text).ok_or_else(|| {
        NetworkError::invalid_value("ipProtocol", text, "It is tcp, udp, icmp, icmpv6, a number, or -1 for all.")
    })?;
    Ok(Traffic::new(protocol, parameters.integer("FromPort")?, parameters.integer("ToPort")?)?)
}

fn take_rule(traffic: Traffic, peer: Peer, mut parameters: Parameters) -> Result<NewRule, Ec2Error> {
    let description = parameters.take("Description").filter(|text| !text.is_empty());
    let rule = NewRule { description, ..NewRule::of(traffic, peer) };
    parameters.finish()?;
    Ok(rule)
}

/// A group of the same VPC: no others can be named, because there is no peering.
fn take_referenced_group(group: &mut Parameters, call: &Call<'_>) -> Result<String, Ec2Error> {
    let id = take_group_id(group)?;
    match group.take("UserId") {
        Some(owner) if owner != call.account().as_str() => Err(NetworkError::GroupNotFound(id).into()),
        _ => Ok(id),
    }
}

pub(super) async fn describe_security_group_rules(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    let selection = Selection::take::<RuleOfGroup>(&mut parameters, Some("SecurityGroupRuleId"))?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    let mut records = Vec::new();
    for vpc in &vpcs {
        for group in &vpc.security_groups {
            let rules = group.rules.iter().cloned();
            records.extend(rules.map(|rule| RuleOfGroup::new(&vpc.vpc_id, &group.group_id, rule, call)));
        }
    }
    selection.answer("securityGroupRuleSet", records)
}

/// A rule with what its group and VPC know of it.
pub(super) struct RuleOfGroup {
    rule: SecurityGroupRule,
    group_id: String,
    vpc_id: String,
    owner_id: String,
    arn: String,
}

impl RuleOfGroup {
    fn new(vpc_id: &str, group_id: &str, rule: SecurityGroupRule, call: &Call<'_>) -> Self {
        Self {
            group_id: group_id.to_owned(),
            vpc_id: vpc_id.to_owned(),
            owner_id: call.account().to_string(),
            arn: call.arn(ResourceType::SecurityGroupRule.name(), &rule.rule_id),
            rule,
        }
    }
}

impl Filtered for RuleOfGroup {
    const FILTERS: &'static [&'static str] = &["group-id", "security-group-rule-id"];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[];
    const TAG_KEY_FILTER: bool = false;

    fn filter_values(&self, filter: &str) -> Vec<String> {
        match filter {
            "group-id" => vec![self.group_id.clone()],
            "security-group-rule-id" => vec![self.rule.rule_id.clone()],
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.rule.tags)
    }
}

impl Described for RuleOfGroup {
    const OPERATION: &'static str = "DescribeSecurityGroupRules";

    fn id(&self) -> String {
        self.rule.rule_id.clone()
    }

    fn answer(&self) -> Node {
        let answer =
            traffic_members(rule_head(&self.group_id, &self.rule).with("groupOwnerId", &self.owner_id), &self.rule);
        match &self.rule.permission.peer {
            Peer::CidrIpv4(block) => answer.with("cidrIpv4", block.to_string()),
            Peer::SecurityGroup(id) => answer.with(
                "referencedGroupInfo",
                Structure::default().with("groupId", id).with("userId", &self.owner_id).with("vpcId", &self.vpc_id),
            ),
        }
        .with_some("description", self.rule.description.as_ref())
        .with("securityGroupRuleArn", &self.arn)
        .with("tagSet", tag_set(&self.rule.tags))
        .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::RuleNotFound(id.to_owned())
    }
}

fn revoked_answer(group_id: &str, rule: &SecurityGroupRule) -> Structure {
    let answer = traffic_members(rule_head(group_id, rule), rule);
    match &rule.permission.peer {
        Peer::CidrIpv4(block) => answer.with("cidrIpv4", block.to_string()),
        Peer::SecurityGroup(id) => answer.with("referencedGroupId", id),
    }
    .with_some("description", rule.description.as_ref())
}

fn rule_head(group_id: &str, rule: &SecurityGroupRule) -> Structure {
    Structure::default()
        .with("securityGroupRuleId", &rule.rule_id)
        .with("groupId", group_id)
        .with("isEgress", rule.direction == Direction::Egress)
}

/// Protocol and ports; -1 and -1 where there are none, as AWS shows it.
fn traffic_members(answer: Structure, rule: &SecurityGroupRule) -> Structure {
    let traffic = rule.permission.traffic;
    let (from, to) = traffic.ports.unwrap_or((-1, -1));
    answer.with("ipProtocol", traffic.protocol.to_string()).with("fromPort", from).with("toPort", to)
}

/// Rules of one direction as DescribeSecurityGroups shows them: those with the same protocol and ports together.
pub(super) fn ip_permissions<'a>(rules: impl Iterator<Item = &'a SecurityGroupRule>, owner_id: &str) -> Node {
    let mut by_traffic: BTreeMap<Traffic, Vec<&SecurityGroupRule>> = BTreeMap::new();
    for rule in rules {
        by_traffic.entry(rule.permission.traffic).or_default().push(rule);
    }
    let permissions = by_traffic.into_iter().map(|(traffic, rules)| ip_permission(traffic, &rules, owner_id).into());
    Node::List(permissions.collect())
}

fn ip_permission(traffic: Traffic, rules: &[&SecurityGroupRule], owner_id: &str) -> Structure {
    let (mut groups, mut ranges) = (Vec::new(), Vec::new());
    for rule in rules {
        match &rule.permission.peer {
            Peer::SecurityGroup(id) => groups.push(
                Structure::default()
                    .with("userId", owner_id)
                    .with("groupId", id)
                    .with_some("description", rule.description.as_ref()),
            ),
            Peer::CidrIpv4(block) => ranges.push(
                Structure::default()
                    .with("cidrIp", block.to_string())
                    .with_some("description", rule.description.as_ref()),
            ),
        }
    }
    Structure::default()
        .with("ipProtocol", traffic.protocol.to_string())
        .with_some("fromPort", traffic.ports.map(|(from, _)| from))
        .with_some("toPort", traffic.ports.map(|(_, to)| to))
        .with_list("groups", groups)
        .with_list("ipRanges", ranges)
        .with_list("ipv6Ranges", Vec::<Node>::new())
        .with_list("prefixListIds", Vec::<Node>::new())
}
