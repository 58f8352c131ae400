//! VPCs and subnets: what may be made and deleted, and changes at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use keystead_core::port::{StoreError, SystemEntropy};
use keystead_model::arn::{AccountId, Region};

use super::memory_store::MemoryStore;
use super::{account, network, network_over, new_interface, new_subnet, new_vpc, region};
use crate::{Network, NetworkError, Quota, ResourceType, Tags, Vpc};

#[test]
fn blocks_of_vpcs() {
    for (block, expected) in [
        ("10.0.0.0/16", None),
        ("10.0.0.0/28", None),
        ("10.0.0.0/15", Some("InvalidVpc.Range")),
        ("10.0.0.0/29", Some("InvalidVpc.Range")),
        ("127.0.0.0/16", Some("InvalidVpc.Range")),
        ("224.0.0.0/16", Some("InvalidVpc.Range")),
    ] {
        let made = Vpc::new(account(), region(), block.parse().unwrap(), Tags::default(), &SystemEntropy);
        assert_eq!(made.err().map(|error| error.code()), expected, "{block}");
    }
}

#[test]
fn blocks_of_subnets() {
    let mut vpc = new_vpc("10.0.0.0/16");
    for (block, zone, expected) in [
        ("10.0.0.0/24", Some("us-east-1a"), None),
        ("10.0.0.0/24", Some("us-east-1b"), Some("InvalidSubnet.Conflict")),
        ("10.0.0.128/25", None, Some("InvalidSubnet.Conflict")),
        ("10.0.0.0/16", None, Some("InvalidSubnet.Conflict")),
        ("10.1.0.0/24", None, Some("InvalidSubnet.Range")),
        ("10.0.0.0/15", None, Some("InvalidSubnet.Range")),
        ("10.0.1.0/29", None, Some("InvalidSubnet.Range")),
        ("10.0.1.0/24", Some("us-east-1g"), Some("InvalidParameterValue")),
        ("10.0.1.0/24", Some("eu-west-1a"), Some("InvalidParameterValue")),
        ("10.0.1.0/28", Some("us-east-1f"), None),
    ] {
        let made = vpc.create_subnet(new_subnet(block, zone), &SystemEntropy);
        assert_eq!(made.err().map(|error| error.code()), expected, "{block} {zone:?}");
    }
    assert_eq!(vpc.subnets.len(), 2);
}

#[test]
fn what_is_depended_on_stays() {
    let mut vpc = new_vpc("10.0.0.0/16");
    vpc.check_deletable().unwrap();
    let subnet_id = vpc.create_subnet(new_subnet("10.0.0.0/28", None), &SystemEntropy).unwrap();
    assert_eq!(vpc.check_deletable().unwrap_err().code(), "DependencyViolation");
    let now = keystead_model::Timestamp::from_millis(0);
    let interface = vpc.create_network_interface(new_interface(&subnet_id), now, &SystemEntropy).unwrap();
    assert_eq!(vpc.delete_subnet(&subnet_id).unwrap_err().code(), "DependencyViolation");
    vpc.delete_network_interface(&interface.network_interface_id).unwrap();
    vpc.delete_subnet(&subnet_id).unwrap();
    let group_id = vpc.create_security_group("g", "d", Tags::default(), &SystemEntropy).unwrap();
    assert_eq!(vpc.check_deletable().unwrap_err().code(), "DependencyViolation");
    vpc.delete_security_group(&group_id).unwrap();
    vpc.check_deletable().unwrap();
}

#[test]
fn subnets_have_a_quota() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let blocks = vpc.cidr_block.subnets(28).unwrap().take(Quota::Subnets.max() + 1);
    let made: Vec<_> =
        blocks.map(|block| vpc.create_subnet(new_subnet(&block.to_string(), None), &SystemEntropy)).collect();
    let codes: Vec<_> = made.iter().filter_map(|made| made.as_ref().err()).map(NetworkError::code).collect();
    assert_eq!(codes, ["SubnetLimitExceeded"]);
}

#[test]
fn a_document_reads_as_it_was_written() {
    let mut vpc = new_vpc("10.0.0.0/16");
    let subnet_id = vpc.create_subnet(new_subnet("10.0.0.0/28", None), &SystemEntropy).unwrap();
    let now = keystead_model::Timestamp::from_millis(1_700_000_000_123);
    vpc.create_network_interface(new_interface(&subnet_id), now, &SystemEntropy).unwrap();
    vpc.tags.set("Name", "é").unwrap();
    let text = serde_json::to_string(&vpc).unwrap();
    assert_eq!(serde_json::from_str::<Vpc>(&text).unwrap(), vpc);
}

#[tokio::test]
async fn vpcs_have_a_quota_even_when_many_are_made_at_once() {
    let network = Arc::new(network());
    let block = "10.0.0.0/16".parse().unwrap();
    for _ in 3..Quota::Vpcs.max() {
        network.create_vpc(&account(), block, Tags::default()).await.unwrap();
    }
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let network = network.clone();
            tokio::spawn(async move { network.create_vpc(&account(), block, Tags::default()).await })
        })
        .collect();
    let mut made = Quota::Vpcs.max() - 3;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code(), "VpcLimitExceeded"),
        }
    }
    assert!(made <= Quota::Vpcs.max());
    assert_eq!(network.vpcs(&account()).await.unwrap().len(), made);
    while network.create_vpc(&account(), block, Tags::default()).await.is_ok() {
        made += 1;
    }
    assert_eq!(made, Quota::Vpcs.max());
}

#[tokio::test]
async fn another_account_and_another_region_see_nothing() {
    let store = Arc::new(MemoryStore::default());
    let network = network_over(&store);
    let sample = network.create_sample_vpc(&account()).await.unwrap();
    let stranger = AccountId::parse("999988887777").unwrap();
    let error = network.subnets(&stranger, &sample.subnet_ids).await.unwrap_err();
    assert_eq!(error.code(), "InvalidSubnetID.NotFound");
    let elsewhere = Network::new(
        store,
        Arc::new(keystead_core::port::SystemClock),
        Arc::new(SystemEntropy),
        Region::parse("eu-west-1").unwrap(),
    );
    assert!(elsewhere.vpcs(&account()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_sample_vpc_is_made_once() {
    let network = network();
    let sample = network.create_sample_vpc(&account()).await.unwrap();
    assert_eq!(network.create_sample_vpc(&account()).await.unwrap(), sample);
    let subnets = network.subnets(&account(), &sample.subnet_ids).await.unwrap();
    let zones: Vec<_> = subnets.iter().map(|subnet| subnet.availability_zone.as_str()).collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert!(subnets.iter().all(|subnet| subnet.vpc_id == sample.vpc_id && subnet.available_ip_address_count == 251));
}

#[tokio::test]
async fn a_missing_subnet_is_named() {
    let network = network();
    let sample = network.create_sample_vpc(&account()).await.unwrap();
    let ids = [sample.subnet_ids[0].clone(), "subnet-gone".to_owned()];
    let error = network.subnets(&account(), &ids).await.unwrap_err();
    assert!(matches!(&error, NetworkError::SubnetNotFound(id) if id == "subnet-gone"), "{error}");
}

#[tokio::test]
async fn changes_that_others_overtake_begin_again_and_not_for_ever() {
    let store = Arc::new(MemoryStore::default());
    let network = network_over(&store);
    let sample = network.create_sample_vpc(&account()).await.unwrap();
    let owner = account();
    let make = |cluster_id| network.create_cluster_security_group(&owner, &sample.vpc_id, cluster_id);
    store.conflicts.store(7, Ordering::SeqCst);
    make("cluster-aaaaaaaaaaa").await.unwrap();
    assert_eq!(store.conflicts.load(Ordering::SeqCst), 0);
    store.conflicts.store(usize::MAX, Ordering::SeqCst);
    let error = make("cluster-bbbbbbbbbbb").await.unwrap_err();
    assert!(matches!(error, NetworkError::Store(StoreError::Conflict)), "{error}");
    assert_eq!(error.code_and_status(), ("Unavailable", 503));
}

#[tokio::test]
async fn a_damaged_document_is_told_and_not_written_over() {
    let store = Arc::new(MemoryStore::default());
    let network = network_over(&store);
    let sample = network.create_sample_vpc(&account()).await.unwrap();
    store.damage();
    let before = store.contents();
    let error = network.delete_vpc(&account(), &sample.vpc_id, |_| Ok(())).await.unwrap_err();
    assert!(
        matches!(&error, NetworkError::Store(StoreError::Damaged(what)) if what.contains(&sample.vpc_id)),
        "{error}"
    );
    assert_eq!(store.contents(), before);
}

#[test]
fn every_resource_is_found_by_type_and_id() {
    let vpc = new_vpc("10.0.0.0/16");
    assert!(vpc.has(ResourceType::Vpc, &vpc.vpc_id));
    assert!(vpc.has(ResourceType::SecurityGroup, &vpc.security_groups[0].group_id));
    assert!(vpc.has(ResourceType::SecurityGroupRule, &vpc.security_groups[0].rules[0].rule_id));
    assert!(!vpc.has(ResourceType::Subnet, &vpc.vpc_id));
}
