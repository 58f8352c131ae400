//! Security groups and their rules.

use keystead_core::port::SystemEntropy;

use super::new_vpc;
use crate::{DEFAULT_GROUP_NAME, Direction, IpProtocol, NewRule, Peer, Permission, Quota, Tags, Traffic, Vpc};

fn anywhere() -> Peer {
    Peer::CidrIpv4("0.0.0.0/0".parse().unwrap())
}

fn create(vpc: &mut Vpc, name: &str) -> Result<String, &'static str> {
    vpc.create_security_group(name, "a group", Tags::default(), &SystemEntropy).map_err(|error| error.code())
}

fn authorize(vpc: &mut Vpc, id: &str, direction: Direction, rules: Vec<NewRule>) -> Result<usize, &'static str> {
    vpc.authorize_security_group(id, direction, rules, &SystemEntropy)
        .map(|made| made.len())
        .map_err(|error| error.code())
}

#[test]
fn a_new_vpc_has_the_default_group() {
    let vpc = new_vpc("10.0.0.0/16");
    let group = vpc.security_group_named(DEFAULT_GROUP_NAME).unwrap();
    let permissions = |direction| group.rules_of(direction).map(|rule| rule.permission.clone()).collect::<Vec<_>>();
    let itself = Peer::SecurityGroup(group.group_id.clone());
    assert_eq!(permissions(Direction::Ingress), [Permission { traffic: Traffic::ALL, peer: itself }]);
    assert_eq!(permissions(Direction::Egress), [Permission { traffic: Traffic::ALL, peer: anywhere() }]);
}

#[test]
fn a_new_group_lets_all_out_and_nothing_in() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let id = create(&mut vpc, "mine").unwrap();
    let group = vpc.security_group(&id).unwrap();
    assert_eq!(group.rules_of(Direction::Ingress).count(), 0);
    let egress: Vec<_> = group.rules_of(Direction::Egress).map(|rule| &rule.permission).collect();
    assert_eq!(egress, [&Permission { traffic: Traffic::ALL, peer: anywhere() }]);
}

#[test]
fn names_of_groups() {
    let mut vpc = new_vpc("10.0.0.0/16");
    for (name, expected) in [
        ("mine", None),
        ("mine", Some("InvalidGroup.Duplicate")),
        ("default", Some("InvalidGroup.Reserved")),
        ("sg-mine", Some("InvalidParameterValue")),
        ("", Some("InvalidParameterValue")),
        ("grüße", Some("InvalidParameterValue")),
        (&"n".repeat(256), Some("InvalidParameterValue")),
        (&"n".repeat(255), None),
    ] {
        assert_eq!(create(&mut vpc, name).err(), expected, "{name}");
    }
}

#[test]
fn a_group_in_use_stays() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let (one, other) = (create(&mut vpc, "one").unwrap(), create(&mut vpc, "other").unwrap());
    let itself = NewRule::of(Traffic::ALL, Peer::SecurityGroup(one.clone()));
    authorize(&mut vpc, &one, Direction::Ingress, vec![itself.clone()]).unwrap();
    authorize(&mut vpc, &other, Direction::Ingress, vec![itself]).unwrap();
    let delete = |vpc: &mut Vpc, id: &str| vpc.delete_security_group(id).map_err(|error| error.code());
    assert_eq!(delete(&mut vpc, &one), Err("DependencyViolation"));
    delete(&mut vpc, &other).unwrap();
    delete(&mut vpc, &one).unwrap();
    assert_eq!(delete(&mut vpc, &one), Err("InvalidGroup.NotFound"));
    let default = vpc.security_groups[0].group_id.clone();
    assert_eq!(delete(&mut vpc, &default), Err("CannotDelete"));
}

#[test]
fn rules_are_made_all_or_none() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let id = create(&mut vpc, "mine").unwrap();
    let ssh = NewRule::of(Traffic::tcp(22, 22), anywhere());
    let unknown = NewRule::of(Traffic::tcp(22, 22), Peer::SecurityGroup("sg-unknown".to_owned()));
    let before = vpc.clone();
    for (rules, code) in [
        (vec![ssh.clone(), ssh.clone()], "InvalidPermission.Duplicate"),
        (vec![ssh.clone(), unknown], "InvalidGroup.NotFound"),
    ] {
        assert_eq!(authorize(&mut vpc, &id, Direction::Ingress, rules), Err(code));
        assert_eq!(vpc, before);
    }
    authorize(&mut vpc, &id, Direction::Ingress, vec![ssh.clone()]).unwrap();
    assert_eq!(authorize(&mut vpc, &id, Direction::Ingress, vec![ssh.clone()]), Err("InvalidPermission.Duplicate"));
    authorize(&mut vpc, &id, Direction::Egress, vec![ssh]).unwrap();
}

#[test]
fn a_group_has_sixty_rules_in_each_direction() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let id = create(&mut vpc, "mine").unwrap();
    let max = Quota::RulesPerSecurityGroup.max() as u16;
    let rules = |count: u16| (1..=count).map(|port| NewRule::of(Traffic::tcp(port, port), anywhere())).collect();
    assert_eq!(authorize(&mut vpc, &id, Direction::Ingress, rules(max + 1)), Err("RulesPerSecurityGroupLimitExceeded"));
    assert_eq!(authorize(&mut vpc, &id, Direction::Ingress, rules(max)), Ok(usize::from(max)));
    // One outbound rule came with the group.
    assert_eq!(authorize(&mut vpc, &id, Direction::Egress, rules(max - 1)), Ok(usize::from(max) - 1));
}

#[test]
fn rules_are_revoked_all_or_none() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let id = create(&mut vpc, "mine").unwrap();
    let ssh = Permission { traffic: Traffic::tcp(22, 22), peer: anywhere() };
    let tls = Permission { traffic: Traffic::tcp(443, 443), peer: anywhere() };
    authorize(&mut vpc, &id, Direction::Ingress, vec![NewRule::of(ssh.traffic, ssh.peer.clone())]).unwrap();
    let before = vpc.clone();
    let error = vpc.revoke_permissions(&id, Direction::Ingress, &[ssh.clone(), tls]).unwrap_err();
    assert_eq!(error.code(), "InvalidPermission.NotFound");
    let error = vpc.revoke_permissions(&id, Direction::Egress, std::slice::from_ref(&ssh)).unwrap_err();
    assert_eq!(error.code(), "InvalidPermission.NotFound");
    let rule_id = before.security_group(&id).unwrap().rules_of(Direction::Ingress).next().unwrap().rule_id.clone();
    let error = vpc.revoke_rules(&id, Direction::Egress, std::slice::from_ref(&rule_id)).unwrap_err();
    assert_eq!(error.code(), "InvalidSecurityGroupRuleId.NotFound");
    assert_eq!(vpc, before);
    assert_eq!(vpc.revoke_rules(&id, Direction::Ingress, &[rule_id]).unwrap().len(), 1);
    assert_eq!(vpc.security_group(&id).unwrap().rules.len(), 1);
}

#[test]
fn a_protocol_by_name_and_by_number_is_one_rule() {
    let named = Traffic::new(IpProtocol::parse("tcp").unwrap(), Some(1), Some(2)).unwrap();
    let numbered = Traffic::new(IpProtocol::parse("6").unwrap(), Some(1), Some(2)).unwrap();
    assert_eq!(named, numbered);
}
