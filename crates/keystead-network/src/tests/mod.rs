//! Tests of the network over a store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod addresses;
mod ec2;
mod ec2_errors;
mod key_stores;
mod memory_store;
mod security_groups;
mod vpcs;

use std::sync::Arc;

use keystead_core::port::{SystemClock, SystemEntropy};
use keystead_model::arn::{AccountId, Region};

use self::memory_store::MemoryStore;
use crate::{Network, NewNetworkInterface, NewSubnet, Tags, Vpc};

pub(crate) fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub(crate) fn region() -> Region {
    Region::parse("us-east-1").unwrap()
}

pub(crate) fn network_over(store: &Arc<MemoryStore>) -> Network {
    Network::new(store.clone(), Arc::new(SystemClock), Arc::new(SystemEntropy), region())
}

pub(crate) fn network() -> Network {
    network_over(&Arc::new(MemoryStore::default()))
}

pub(crate) fn new_vpc(block: &str) -> Vpc {
    Vpc::new(account(), region(), block.parse().unwrap(), Tags::default(), &SystemEntropy).unwrap()
}

pub(crate) fn new_subnet(block: &str, zone: Option<&str>) -> NewSubnet {
    NewSubnet { cidr_block: block.parse().unwrap(), availability_zone: zone.map(str::to_owned), tags: Tags::default() }
}

pub(crate) fn new_interface(subnet_id: &str) -> NewNetworkInterface {
    NewNetworkInterface {
        subnet_id: subnet_id.to_owned(),
        description: String::new(),
        group_ids: Vec::new(),
        address: None,
        requester_id: None,
        client_token: None,
        tags: Tags::default(),
    }
}
