//! What clusters and key stores have in a VPC, and that making and removing it can be done again at any point.

use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_core::port::{AttachNetworkError, StoreError, SystemEntropy};
use keystead_model::arn::CustomKeyStoreId;

use super::memory_store::{Cut, MemoryStore};
use super::{account, network_over, new_interface, new_subnet};
use crate::{
    ClusterNetwork, Direction, Network, NetworkError, NewNetworkInterface, NewRule, Peer, Permission, ResourceType,
    SecurityGroupRule, Traffic, Vpc, cluster_security_group_name,
};

const CLUSTER: &str = "cluster-2abcdefghij";

struct Fixture {
    store: Arc<MemoryStore>,
    network: Arc<Network>,
    cluster: ClusterNetwork,
}

impl Fixture {
    /// A sample VPC with a cluster in its first two subnets.
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let network = Arc::new(network_over(&store));
        let sample = network.create_sample_vpc(&account()).await.unwrap();
        let security_group_id =
            network.create_cluster_security_group(&account(), &sample.vpc_id, CLUSTER).await.unwrap();
        let cluster = ClusterNetwork {
            cluster_id: CLUSTER.to_owned(),
            vpc_id: sample.vpc_id,
            subnet_ids: sample.subnet_ids[..2].to_vec(),
            security_group_id,
        };
        Self { store, network, cluster }
    }

    async fn vpc(&self) -> Vpc {
        self.network.vpcs(&account()).await.unwrap().remove(0)
    }

    async fn change<T>(&self, change: impl FnMut(&mut Vpc) -> Result<T, NetworkError>) -> Result<T, NetworkError> {
        self.network.change_vpc_with(&account(), ResourceType::Vpc, &self.cluster.vpc_id, change).await
    }

    async fn attach(&self, id: &CustomKeyStoreId) -> Result<(), AttachNetworkError> {
        self.network.attach_key_store(&account(), &self.cluster, id).await
    }

    async fn detach(&self, id: &CustomKeyStoreId) -> Result<(), StoreError> {
        self.network.detach_key_store(&account(), id).await
    }

    async fn problem(&self) -> Option<String> {
        self.network.cluster_network_problem(&account(), &self.cluster).await.unwrap()
    }
}

fn key_store(number: u8) -> CustomKeyStoreId {
    CustomKeyStoreId::from_random([number; 9])
}

/// The interfaces of a key store, by subnet.
fn interfaces_of(vpc: &Vpc, id: &CustomKeyStoreId) -> BTreeMap<String, usize> {
    let Some(group) = vpc.security_group_named(&format!("kms-{id}")) else { return BTreeMap::new() };
    let mut count = BTreeMap::new();
    for interface in vpc.network_interfaces.iter().filter(|it| it.group_ids.contains(&group.group_id)) {
        *count.entry(interface.subnet_id.clone()).or_insert(0) += 1;
    }
    count
}

/// The whole set, exactly once.
fn assert_attached(vpc: &Vpc, cluster: &ClusterNetwork, id: &CustomKeyStoreId) {
    let once_in_each: BTreeMap<_, _> = cluster.subnet_ids.iter().map(|subnet| (subnet.clone(), 1)).collect();
    assert_eq!(interfaces_of(vpc, id), once_in_each);
    let groups = vpc.security_groups.iter().filter(|group| group.group_name == format!("kms-{id}")).count();
    assert_eq!(groups, 1);
}

#[tokio::test]
async fn a_connected_key_store_has_its_group_and_its_interfaces() {
    let fixture = Fixture::new().await;
    let id = key_store(1);
    fixture.attach(&id).await.unwrap();
    let vpc = fixture.vpc().await;
    let group = vpc.security_group_named(&format!("kms-{id}")).unwrap();
    let rules: Vec<(Direction, Permission)> =
        group.rules.iter().map(|rule| (rule.direction, rule.permission.clone())).collect();
    let from_cluster = Peer::SecurityGroup(fixture.cluster.security_group_id.clone());
    assert_eq!(rules, [(Direction::Ingress, Permission { traffic: Traffic::ALL, peer: from_cluster })]);
    assert_eq!(vpc.network_interfaces.len(), 2);
    for interface in &vpc.network_interfaces {
        assert_eq!(interface.description, format!("KMS managed ENI for cluster {CLUSTER}"));
        assert_eq!(interface.group_ids, [group.group_id.clone(), fixture.cluster.security_group_id.clone()]);
        assert!(interface.requester_managed());
        assert_eq!(interface.status(), "in-use");
        let subnet = vpc.subnet(&interface.subnet_id).unwrap();
        assert_eq!(vpc.available_ip_address_count(subnet), 250);
    }
    assert_attached(&vpc, &fixture.cluster, &id);
}

#[tokio::test]
async fn detaching_leaves_all_as_it_was() {
    let fixture = Fixture::new().await;
    let before = fixture.vpc().await;
    fixture.attach(&key_store(1)).await.unwrap();
    fixture.attach(&key_store(2)).await.unwrap();
    fixture.detach(&key_store(1)).await.unwrap();
    assert_attached(&fixture.vpc().await, &fixture.cluster, &key_store(2));
    fixture.detach(&key_store(2)).await.unwrap();
    assert_eq!(fixture.vpc().await, before);
    fixture.detach(&key_store(2)).await.unwrap();
    fixture.detach(&key_store(3)).await.unwrap();
    assert_eq!(fixture.vpc().await, before);
}

#[tokio::test]
async fn attaching_and_detaching_are_one_change_each_and_no_change_when_done() {
    let fixture = Fixture::new().await;
    let count = fixture.store.change_count();
    for expected in [1, 1, 1] {
        fixture.attach(&key_store(1)).await.unwrap();
        assert_eq!(fixture.store.change_count() - count, expected);
    }
    for expected in [2, 2] {
        fixture.detach(&key_store(1)).await.unwrap();
        assert_eq!(fixture.store.change_count() - count, expected);
    }
}

#[tokio::test]
async fn an_attach_or_detach_that_is_cut_short_is_done_again() {
    for cut in [Cut::Before, Cut::After] {
        let fixture = Fixture::new().await;
        let (id, before) = (key_store(1), fixture.vpc().await);
        fixture.store.cut_next(cut);
        assert!(matches!(fixture.attach(&id).await, Err(AttachNetworkError::Store(_))), "{cut:?}");
        match cut {
            Cut::Before => assert_eq!(fixture.vpc().await, before),
            Cut::After => assert_attached(&fixture.vpc().await, &fixture.cluster, &id),
        }
        fixture.attach(&id).await.unwrap();
        assert_attached(&fixture.vpc().await, &fixture.cluster, &id);
        fixture.store.cut_next(cut);
        fixture.detach(&id).await.unwrap_err();
        fixture.detach(&id).await.unwrap();
        assert_eq!(fixture.vpc().await, before, "{cut:?}");
    }
}

#[tokio::test]
async fn what_is_there_in_part_is_completed() {
    let fixture = Fixture::new().await;
    let id = key_store(1);
    fixture.attach(&id).await.unwrap();
    let whole = fixture.vpc().await;
    fixture
        .change(|vpc| {
            vpc.network_interfaces.pop();
            vpc.security_groups.iter_mut().for_each(|group| {
                group.rules.retain(|rule| {
                    !matches!(group.group_name.as_str(), name if name.starts_with("kms-")) || is_egress(rule)
                });
            });
            Ok(())
        })
        .await
        .unwrap();
    fixture.attach(&id).await.unwrap();
    let vpc = fixture.vpc().await;
    assert_attached(&vpc, &fixture.cluster, &id);
    assert_eq!(vpc.network_interfaces[0], whole.network_interfaces[0]);
    assert_eq!(vpc.security_group_named(&format!("kms-{id}")).unwrap().rules.len(), 1);
}

fn is_egress(rule: &SecurityGroupRule) -> bool {
    rule.direction == Direction::Egress
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_each_ends_with_exactly_one_set() {
    let fixture = Fixture::new().await;
    let mut tasks = Vec::new();
    for number in 0..8 {
        for _ in 0..5 {
            let (network, cluster) = (fixture.network.clone(), fixture.cluster.clone());
            tasks.push(tokio::spawn(async move {
                network.attach_key_store(&account(), &cluster, &key_store(number)).await
            }));
        }
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let vpc = fixture.vpc().await;
    for number in 0..8 {
        assert_attached(&vpc, &fixture.cluster, &key_store(number));
    }
    assert_eq!(vpc.network_interfaces.len(), 16);
    assert_eq!(vpc.available_ip_address_count(vpc.subnet(&fixture.cluster.subnet_ids[0]).unwrap()), 243);
}

#[tokio::test]
async fn a_deleted_subnet_fails_the_attach_and_leaves_nothing() {
    let fixture = Fixture::new().await;
    let gone = fixture.cluster.subnet_ids[1].clone();
    fixture.change(|vpc| vpc.delete_subnet(&gone)).await.unwrap();
    let before = fixture.vpc().await;
    let error = fixture.attach(&key_store(1)).await.unwrap_err();
    assert!(matches!(&error, AttachNetworkError::SubnetNotFound(id) if *id == gone), "{error}");
    assert_eq!(fixture.vpc().await, before);
    // It is the connect that tells of it, as SUBNET_NOT_FOUND.
    assert_eq!(fixture.problem().await, None);
}

#[tokio::test]
async fn a_full_subnet_fails_the_attach_and_leaves_nothing() {
    let mut fixture = Fixture::new().await;
    let full = fixture
        .change(|vpc| {
            let id = vpc.create_subnet(new_subnet("10.0.200.0/28", Some("us-east-1d")), &SystemEntropy)?;
            for _ in 0..11 {
                vpc.create_network_interface(
                    new_interface(&id),
                    keystead_model::Timestamp::from_millis(0),
                    &SystemEntropy,
                )?;
            }
            Ok(id)
        })
        .await
        .unwrap();
    fixture.cluster.subnet_ids.push(full.clone());
    let before = fixture.vpc().await;
    let error = fixture.attach(&key_store(1)).await.unwrap_err();
    assert!(matches!(&error, AttachNetworkError::InsufficientFreeAddresses(id) if *id == full), "{error}");
    assert_eq!(fixture.vpc().await, before);
}

#[tokio::test]
async fn without_the_vpc_or_the_cluster_group_there_is_nothing_to_attach_to() {
    let fixture = Fixture::new().await;
    let id = key_store(1);
    let elsewhere = ClusterNetwork { vpc_id: "vpc-gone".to_owned(), ..fixture.cluster.clone() };
    let error = fixture.network.attach_key_store(&account(), &elsewhere, &id).await.unwrap_err();
    assert!(matches!(error, AttachNetworkError::SubnetNotFound(_)), "{error}");
    assert!(
        fixture.network.cluster_network_problem(&account(), &elsewhere).await.unwrap().unwrap().contains("vpc-gone")
    );
    let groupless = ClusterNetwork { security_group_id: "sg-gone".to_owned(), ..fixture.cluster.clone() };
    let error = fixture.network.attach_key_store(&account(), &groupless, &id).await.unwrap_err();
    assert!(matches!(&error, AttachNetworkError::Other(text) if text.contains("sg-gone")), "{error}");
}

#[tokio::test]
async fn detaching_breaks_nothing_of_the_owners() {
    let fixture = Fixture::new().await;
    let id = key_store(1);
    fixture.attach(&id).await.unwrap();
    fixture
        .change(|vpc| {
            let group_id = vpc.security_group_named(&format!("kms-{id}")).unwrap().group_id.clone();
            let new =
                NewNetworkInterface { group_ids: vec![group_id], ..new_interface(&fixture.cluster.subnet_ids[0]) };
            vpc.create_network_interface(new, keystead_model::Timestamp::from_millis(0), &SystemEntropy)
        })
        .await
        .unwrap();
    fixture.detach(&id).await.unwrap();
    let vpc = fixture.vpc().await;
    assert_eq!(vpc.network_interfaces.len(), 1);
    assert!(!vpc.network_interfaces[0].requester_managed());
    assert!(vpc.security_group(&vpc.network_interfaces[0].group_ids[0]).is_ok());
}

#[tokio::test]
async fn managed_interfaces_go_only_with_their_service() {
    let fixture = Fixture::new().await;
    let made = fixture
        .network
        .create_managed_interface(
            &account(),
            &fixture.cluster.subnet_ids[0],
            "CloudHSM hsm-2abcdefghij",
            std::slice::from_ref(&fixture.cluster.security_group_id),
            Some("10.0.0.77".parse().unwrap()),
            "cloudhsm",
        )
        .await
        .unwrap();
    assert_eq!(made.private_ip_address.to_string(), "10.0.0.77");
    let id = &made.network_interface_id;
    let refused = fixture.change(|vpc| vpc.delete_network_interface(id)).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidNetworkInterface.InUse");
    let (owner, group_id) = (account(), &fixture.cluster.security_group_id);
    let delete_group = || fixture.network.delete_security_group_if_exists(&owner, group_id);
    assert_eq!(delete_group().await.unwrap_err().code(), "DependencyViolation");
    for _ in 0..2 {
        fixture.network.delete_managed_interface(&account(), id).await.unwrap();
    }
    for _ in 0..2 {
        delete_group().await.unwrap();
    }
    let v6 = fixture.network.create_managed_interface(
        &owner,
        &fixture.cluster.subnet_ids[0],
        "",
        &[],
        Some("::1".parse().unwrap()),
        "cloudhsm",
    );
    assert_eq!(v6.await.unwrap_err().code(), "InvalidParameterValue");
}

#[tokio::test]
async fn the_cluster_group_is_made_once() {
    let fixture = Fixture::new().await;
    let again = fixture.network.create_cluster_security_group(&account(), &fixture.cluster.vpc_id, CLUSTER).await;
    assert_eq!(again.unwrap(), fixture.cluster.security_group_id);
    assert_eq!(fixture.problem().await, None);
    let missing = fixture.network.create_cluster_security_group(&account(), "vpc-gone", CLUSTER).await;
    assert_eq!(missing.unwrap_err().code(), "InvalidVpcID.NotFound");
}

#[tokio::test]
async fn a_cluster_needs_two_zones() {
    let mut fixture = Fixture::new().await;
    fixture.cluster.subnet_ids.truncate(1);
    assert!(fixture.problem().await.unwrap().contains("Availability Zone"));
    let second = fixture
        .change(|vpc| vpc.create_subnet(new_subnet("10.0.200.0/28", Some("us-east-1a")), &SystemEntropy))
        .await
        .unwrap();
    fixture.cluster.subnet_ids.push(second);
    assert!(fixture.problem().await.unwrap().contains("1 Availability Zone"));
}

fn replace_rules(vpc: &mut Vpc, id: &str, direction: Direction, rules: Vec<NewRule>) -> Result<(), NetworkError> {
    let old: Vec<_> = vpc.security_group(id)?.rules_of(direction).map(|rule| rule.rule_id.clone()).collect();
    vpc.revoke_rules(id, direction, &old)?;
    vpc.authorize_security_group(id, direction, rules, &SystemEntropy).map(|_| ())
}

/// A rule in place of the cluster group's own, and whether HSMs and their clients can talk then.
#[tokio::test]
async fn which_rules_of_the_cluster_group_will_do() {
    let fixture = Fixture::new().await;
    let id = fixture.cluster.security_group_id.clone();
    let other = fixture.change(|vpc| Ok(vpc.security_groups[0].group_id.clone())).await.unwrap();
    let itself = || Peer::SecurityGroup(id.clone());
    let udp = Traffic::new(crate::IpProtocol::parse("udp").unwrap(), Some(2223), Some(2225)).unwrap();
    let anywhere = || Peer::CidrIpv4("0.0.0.0/0".parse().unwrap());
    let cases: Vec<(Vec<NewRule>, bool)> = vec![
        (vec![NewRule::of(Traffic::tcp(2223, 2225), itself())], true),
        (vec![NewRule::of(Traffic::tcp(0, 65535), itself())], true),
        (vec![NewRule::of(Traffic::ALL, itself())], true),
        ([2223, 2224, 2225].map(|port| NewRule::of(Traffic::tcp(port, port), itself())).to_vec(), true),
        (vec![], false),
        (vec![NewRule::of(Traffic::tcp(2223, 2224), itself())], false),
        (vec![NewRule::of(Traffic::tcp(2224, 2225), itself())], false),
        ([2223, 2225].map(|port| NewRule::of(Traffic::tcp(port, port), itself())).to_vec(), false),
        (vec![NewRule::of(udp, itself())], false),
        (vec![NewRule::of(Traffic::ALL, Peer::SecurityGroup(other.clone()))], false),
        (vec![NewRule::of(Traffic::ALL, anywhere())], false),
    ];
    for direction in [Direction::Ingress, Direction::Egress] {
        for (rules, expected) in &cases {
            fixture.change(|vpc| replace_rules(vpc, &id, direction, rules.clone())).await.unwrap();
            let problem = fixture.problem().await;
            assert_eq!(problem.is_none(), *expected, "{direction:?} {rules:?} {problem:?}");
            let way = if direction == Direction::Ingress { "inbound" } else { "outbound" };
            assert!(problem.is_none_or(|problem| problem.contains(way) && problem.contains("2223 to 2225")));
        }
        let whole = NewRule::of(Traffic::tcp(2223, 2225), itself());
        fixture.change(|vpc| replace_rules(vpc, &id, direction, vec![whole.clone()])).await.unwrap();
    }
}

#[tokio::test]
async fn a_cluster_without_its_group_is_no_good() {
    let fixture = Fixture::new().await;
    fixture.change(|vpc| vpc.delete_security_group(&fixture.cluster.security_group_id)).await.unwrap();
    assert!(fixture.problem().await.unwrap().contains(&cluster_security_group_name(CLUSTER)));
}
