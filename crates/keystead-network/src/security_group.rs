//! Security groups and their rules.

use keystead_core::port::Entropy;
use serde::{Deserialize, Serialize};

use crate::error::NetworkError;
use crate::permission::{Peer, Permission, Traffic};
use crate::quota::Quota;
use crate::resource_id::ResourceType;
use crate::tag::{Tags, check_text};
use crate::vpc::Vpc;

/// The name of the group that every VPC has.
pub const DEFAULT_GROUP_NAME: &str = "default";
/// The longest name and the longest description, in characters (EC2 API Reference, CreateSecurityGroup).
const TEXT_CHARS_MAX: usize = 255;
/// What names and descriptions may have besides letters and digits (the same).
const TEXT_PUNCTUATION: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Which way a rule lets traffic through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Direction {
    /// Inbound.
    Ingress,
    /// Outbound.
    Egress,
}

/// A rule of a security group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-` and 17 hexadecimal digits.
    pub rule_id: String,
    /// Which way.
    pub direction: Direction,
    /// What it lets through.
    pub permission: Permission,
    /// A text for people.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A security group of a VPC.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-` and 17 hexadecimal digits.
    pub group_id: String,
    /// 1..=255 characters, unique in the VPC.
    pub group_name: String,
    /// 1..=255 characters.
    pub description: String,
    /// Inbound and outbound rules, in the order they were made.
    pub rules: Vec<SecurityGroupRule>,
    /// Its tags.
    pub tags: Tags,
}

/// A rule to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRule {
    /// What it lets through.
    pub permission: Permission,
    /// A text for people.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl NewRule {
    /// A rule without description and tags.
    pub fn of(traffic: Traffic, peer: Peer) -> Self {
        Self { permission: Permission { traffic, peer }, description: None, tags: Tags::default() }
    }
}

impl SecurityGroup {
    /// The group that every VPC has: all from itself, all to everywhere.
    pub(crate) fn default_of_vpc(entropy: &dyn Entropy) -> Self {
        let mut group = Self::with_default_egress(DEFAULT_GROUP_NAME, "default VPC security group", entropy);
        let itself = NewRule::of(Traffic::ALL, Peer::SecurityGroup(group.group_id.clone()));
        group.push(Direction::Ingress, itself, entropy);
        group
    }

    /// A group with the one rule that AWS gives a new one: all to everywhere.
    fn with_default_egress(name: &str, description: &str, entropy: &dyn Entropy) -> Self {
        let mut group = Self::without_rules(name, description, entropy);
        let everywhere = Peer::CidrIpv4(ipnet::Ipv4Net::default());
        group.push(Direction::Egress, NewRule::of(Traffic::ALL, everywhere), entropy);
        group
    }

    /// A group whose default rule has been revoked.
    pub(crate) fn without_rules(name: &str, description: &str, entropy: &dyn Entropy) -> Self {
        Self {
            group_id: ResourceType::SecurityGroup.new_id(entropy),
            group_name: name.to_owned(),
            description: description.to_owned(),
            rules: Vec::new(),
            tags: Tags::default(),
        }
    }

    fn push(&mut self, direction: Direction, rule: NewRule, entropy: &dyn Entropy) -> &SecurityGroupRule {
        let index = self.rules.len();
        self.rules.push(SecurityGroupRule {
            rule_id: ResourceType::SecurityGroupRule.new_id(entropy),
            direction,
            permission: rule.permission,
            description: rule.description,
            tags: rule.tags,
        });
        &self.rules[index]
    }

    /// Whether it is the group that goes only with its VPC.
    pub fn is_default(&self) -> bool {
        self.group_name == DEFAULT_GROUP_NAME
    }

    /// The rules of one direction.
    pub fn rules_of(&self, direction: Direction) -> impl Iterator<Item = &SecurityGroupRule> {
        self.rules.iter().filter(move |rule| rule.direction == direction)
    }

    fn has(&self, direction: Direction, permission: &Permission) -> bool {
        self.rules_of(direction).any(|rule| rule.permission == *permission)
    }

    /// Whether its own members may talk TCP to one another on that port, in that direction. Rules for blocks of addresses do not count: the
    /// peer must be the group itself.
    pub(crate) fn lets_itself_through(&self, direction: Direction, port: u16) -> bool {
        let itself = Peer::SecurityGroup(self.group_id.clone());
        self.rules_of(direction)
            .any(|rule| rule.permission.peer == itself && rule.permission.traffic.includes_tcp_port(port))
    }

    fn refers_to(&self, group_id: &str) -> bool {
        self.rules.iter().any(|rule| matches!(&rule.permission.peer, Peer::SecurityGroup(id) if id == group_id))
    }

    /// Makes a rule unless there is one like it.
    pub(crate) fn ensure(&mut self, direction: Direction, rule: NewRule, entropy: &dyn Entropy) {
        if !self.has(direction, &rule.permission) {
            self.push(direction, rule, entropy);
        }
    }
}

impl Vpc {
    /// Makes a security group with the default outbound rule and gives its ID.
    ///
    /// Fails with `InvalidParameterValue`, `InvalidGroup.Reserved`, `InvalidGroup.Duplicate` or `SecurityGroupLimitExceeded`.
    pub fn create_security_group(
        &mut self,
        name: &str,
        description: &str,
        tags: Tags,
        entropy: &dyn Entropy,
    ) -> Result<String, NetworkError> {
        check_group_text("groupName", name)?;
        check_group_text("groupDescription", description)?;
        if name.starts_with(ResourceType::SecurityGroup.prefix()) {
            return Err(NetworkError::invalid_value("groupName", name, "Group names may not be in the format sg-*."));
        }
        if name.eq_ignore_ascii_case(DEFAULT_GROUP_NAME) {
            return Err(NetworkError::GroupReserved(name.to_owned()));
        }
        let mut group = SecurityGroup::with_default_egress(name, description, entropy);
        group.tags = tags;
        self.add_security_group(group)
    }

    /// Adds a group and gives its ID; `InvalidGroup.Duplicate`, `SecurityGroupLimitExceeded`.
    pub(crate) fn add_security_group(&mut self, group: SecurityGroup) -> Result<String, NetworkError> {
        if self.security_group_named(&group.group_name).is_some() {
            return Err(NetworkError::GroupDuplicate { name: group.group_name, vpc_id: self.vpc_id.clone() });
        }
        if self.security_groups.len() >= Quota::SecurityGroups.max() {
            return Err(NetworkError::QuotaExceeded(Quota::SecurityGroups));
        }
        let group_id = group.group_id.clone();
        self.security_groups.push(group);
        Ok(group_id)
    }

    /// Deletes a security group.
    ///
    /// Fails with `InvalidGroup.NotFound`, `CannotDelete` (the default group), or `DependencyViolation` while a network interface is in it
    /// or a rule of another group names it.
    pub fn delete_security_group(&mut self, group_id: &str) -> Result<(), NetworkError> {
        if self.security_group(group_id)?.is_default() {
            return Err(NetworkError::DefaultGroup(group_id.to_owned()));
        }
        if self.security_group_in_use(group_id) {
            return Err(NetworkError::DependencyViolation {
                resource_type: ResourceType::SecurityGroup,
                id: group_id.to_owned(),
            });
        }
        self.security_groups.retain(|group| group.group_id != group_id);
        Ok(())
    }

    /// Whether a network interface is in it, or a rule of another group names it.
    pub(crate) fn security_group_in_use(&self, group_id: &str) -> bool {
        let has_members = self.network_interfaces.iter().any(|interface| interface.is_in(group_id));
        has_members || self.security_groups.iter().any(|other| other.group_id != group_id && other.refers_to(group_id))
    }

    /// The group of that ID; `InvalidGroup.NotFound` if there is none.
    pub fn security_group(&self, group_id: &str) -> Result<&SecurityGroup, NetworkError> {
        self.security_groups
            .iter()
            .find(|group| group.group_id == group_id)
            .ok_or_else(|| NetworkError::GroupNotFound(group_id.to_owned()))
    }

    /// The same, to change it.
    pub(crate) fn security_group_mut(&mut self, group_id: &str) -> Result<&mut SecurityGroup, NetworkError> {
        self.security_groups
            .iter_mut()
            .find(|group| group.group_id == group_id)
            .ok_or_else(|| NetworkError::GroupNotFound(group_id.to_owned()))
    }

    /// The group of that name.
    pub fn security_group_named(&self, name: &str) -> Option<&SecurityGroup> {
        self.security_groups.iter().find(|group| group.group_name == name)
    }

    /// Makes rules, all or none, and gives them.
    ///
    /// Fails with `InvalidGroup.NotFound` (the group itself, or one that a rule names), `InvalidPermission.Duplicate` or
    /// `RulesPerSecurityGroupLimitExceeded`.
    pub fn authorize_security_group(
        &mut self,
        group_id: &str,
        direction: Direction,
        rules: Vec<NewRule>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<SecurityGroupRule>, NetworkError> {
        for rule in &rules {
            self.check_rule(rule)?;
        }
        let mut group = self.security_group(group_id)?.clone();
        let mut made = Vec::new();
        for rule in rules {
            if group.has(direction, &rule.permission) {
                return Err(NetworkError::PermissionDuplicate(rule.permission.to_string()));
            }
            if group.rules_of(direction).count() >= Quota::RulesPerSecurityGroup.max() {
                return Err(NetworkError::QuotaExceeded(Quota::RulesPerSecurityGroup));
            }
            made.push(group.push(direction, rule, entropy).clone());
        }
        *self.security_group_mut(group_id)? = group;
        Ok(made)
    }

    fn check_rule(&self, rule: &NewRule) -> Result<(), NetworkError> {
        if let Some(description) = &rule.description {
            check_group_text("description", description)?;
        }
        match &rule.permission.peer {
            Peer::SecurityGroup(id) => self.security_group(id).map(|_| ()),
            Peer::CidrIpv4(_) => Ok(()),
        }
    }

    /// Removes the rules that let through exactly these, all or none, and gives them.
    ///
    /// Fails with `InvalidGroup.NotFound` or `InvalidPermission.NotFound`.
    pub fn revoke_permissions(
        &mut self,
        group_id: &str,
        direction: Direction,
        permissions: &[Permission],
    ) -> Result<Vec<SecurityGroupRule>, NetworkError> {
        let group = self.security_group_mut(group_id)?;
        if !permissions.iter().all(|permission| group.has(direction, permission)) {
            return Err(NetworkError::PermissionNotFound);
        }
        Ok(remove(group, |rule| rule.direction == direction && permissions.contains(&rule.permission)))
    }

    /// Removes the rules of these IDs, all or none, and gives them.
    ///
    /// Fails with `InvalidGroup.NotFound` or `InvalidSecurityGroupRuleId.NotFound`.
    pub fn revoke_rules(
        &mut self,
        group_id: &str,
        direction: Direction,
        rule_ids: &[String],
    ) -> Result<Vec<SecurityGroupRule>, NetworkError> {
        let group = self.security_group_mut(group_id)?;
        if let Some(missing) = rule_ids.iter().find(|id| !group.rules_of(direction).any(|rule| rule.rule_id == **id)) {
            return Err(NetworkError::RuleNotFound(missing.clone()));
        }
        Ok(remove(group, |rule| rule_ids.contains(&rule.rule_id)))
    }
}

fn remove(group: &mut SecurityGroup, which: impl Fn(&SecurityGroupRule) -> bool) -> Vec<SecurityGroupRule> {
    let (removed, kept) = std::mem::take(&mut group.rules).into_iter().partition(which);
    group.rules = kept;
    removed
}

/// Checks a name or a description.
fn check_group_text(parameter: &str, text: &str) -> Result<(), NetworkError> {
    check_text(parameter, text, TEXT_CHARS_MAX)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || TEXT_PUNCTUATION.contains(c);
    if text.is_empty() || !text.chars().all(allowed) {
        let reason = "It has 1 to 255 characters: letters, digits, spaces, and ._-:/()#,@[]+=&;{}!$*";
        return Err(NetworkError::invalid_value(parameter, text, reason));
    }
    Ok(())
}
