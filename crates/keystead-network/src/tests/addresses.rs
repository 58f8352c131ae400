//! Addresses of subnets: each is given out once, and comes back.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use keystead_core::port::SystemEntropy;
use keystead_model::Timestamp;

use super::{new_interface, new_subnet, new_vpc};
use crate::{NewNetworkInterface, Vpc};

const NOW: Timestamp = Timestamp::from_millis(0);

/// A VPC with one subnet, and the subnet's ID.
fn vpc_with_subnet(block: &str) -> (Vpc, String) {
    let mut vpc = new_vpc("10.0.0.0/16");
    let subnet_id = vpc.create_subnet(new_subnet(block, None), &SystemEntropy).unwrap();
    (vpc, subnet_id)
}

fn available(vpc: &Vpc, subnet_id: &str) -> u32 {
    vpc.available_ip_address_count(vpc.subnet(subnet_id).unwrap())
}

fn create(vpc: &mut Vpc, subnet_id: &str, address: Option<Ipv4Addr>) -> Result<(String, Ipv4Addr), &'static str> {
    let new = NewNetworkInterface { address, ..new_interface(subnet_id) };
    vpc.create_network_interface(new, NOW, &SystemEntropy)
        .map(|made| (made.network_interface_id, made.private_ip_address))
        .map_err(|error| error.code())
}

#[test]
fn five_addresses_of_a_subnet_are_kept_back() {
    for (block, count) in [("10.0.0.0/28", 11), ("10.0.1.0/24", 251), ("10.0.0.0/16", 65531)] {
        let (vpc, subnet_id) = vpc_with_subnet(block);
        assert_eq!(available(&vpc, &subnet_id), count, "{block}");
    }
}

#[test]
fn the_lowest_free_address_comes_first() {
    let (mut vpc, subnet_id) = vpc_with_subnet("10.0.3.0/28");
    let made: Vec<_> = (0..11).map(|_| create(&mut vpc, &subnet_id, None).unwrap()).collect();
    let addresses: Vec<_> = made.iter().map(|(_, address)| address.octets()[3]).collect();
    assert_eq!(addresses, (4..15).collect::<Vec<u8>>());
    assert_eq!(available(&vpc, &subnet_id), 0);
    assert_eq!(create(&mut vpc, &subnet_id, None), Err("InsufficientFreeAddressesInSubnet"));
    vpc.delete_network_interface(&made[5].0).unwrap();
    assert_eq!(available(&vpc, &subnet_id), 1);
    assert_eq!(create(&mut vpc, &subnet_id, None).unwrap().1, made[5].1);
}

#[test]
fn addresses_that_cannot_be_had() {
    let (mut vpc, subnet_id) = vpc_with_subnet("10.0.3.0/28");
    create(&mut vpc, &subnet_id, Some([10, 0, 3, 9].into())).unwrap();
    for (address, code) in [
        ([10, 0, 3, 9], "InvalidIPAddress.InUse"),
        ([10, 0, 3, 0], "InvalidParameterValue"),
        ([10, 0, 3, 3], "InvalidParameterValue"),
        ([10, 0, 3, 15], "InvalidParameterValue"),
        ([10, 0, 3, 16], "InvalidParameterValue"),
        ([10, 0, 2, 255], "InvalidParameterValue"),
    ] {
        assert_eq!(create(&mut vpc, &subnet_id, Some(address.into())), Err(code), "{address:?}");
    }
    assert_eq!(available(&vpc, &subnet_id), 10);
}

/// Numbers that look random and are the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn whatever_comes_and_goes_no_address_is_given_twice() {
    for seed in 0..40 {
        let mut numbers = Numbers(seed);
        let (mut vpc, subnet_id) = vpc_with_subnet("10.0.7.16/28");
        let mut held: Vec<(String, Ipv4Addr)> = Vec::new();
        for step in 0..200 {
            let asked = (numbers.below(3) == 0).then(|| Ipv4Addr::from([10, 0, 7, 16 + numbers.below(16) as u8]));
            if numbers.below(5) < 3 {
                held.extend(create(&mut vpc, &subnet_id, asked));
            } else if !held.is_empty() {
                let (id, _) = held.swap_remove(numbers.below(held.len() as u64) as usize);
                vpc.delete_network_interface(&id).unwrap();
            }
            let distinct: BTreeSet<_> = held.iter().map(|(_, address)| *address).collect();
            assert_eq!(distinct.len(), held.len(), "seed {seed} step {step}");
            assert!(distinct.iter().all(|address| (20..31).contains(&address.octets()[3])), "seed {seed} step {step}");
            assert_eq!(available(&vpc, &subnet_id) as usize, 11 - held.len(), "seed {seed} step {step}");
        }
    }
}

#[test]
fn a_request_sent_again_makes_nothing_new() {
    let (mut vpc, subnet_id) = vpc_with_subnet("10.0.7.0/28");
    let new = NewNetworkInterface { client_token: Some("token".to_owned()), ..new_interface(&subnet_id) };
    let first = vpc.create_network_interface(new.clone(), NOW, &SystemEntropy).unwrap();
    assert_eq!(vpc.create_network_interface(new.clone(), NOW, &SystemEntropy).unwrap(), first);
    let other = NewNetworkInterface { description: "another".to_owned(), ..new };
    let error = vpc.create_network_interface(other, NOW, &SystemEntropy).unwrap_err();
    assert_eq!(error.code(), "IdempotentParameterMismatch");
    assert_eq!(vpc.network_interfaces.len(), 1);
}

#[test]
fn a_mac_address_is_administered_locally_and_its_own() {
    let (mut vpc, subnet_id) = vpc_with_subnet("10.0.7.0/24");
    for _ in 0..50 {
        create(&mut vpc, &subnet_id, None).unwrap();
    }
    let macs: BTreeSet<_> = vpc.network_interfaces.iter().map(|it| it.mac_address.clone()).collect();
    assert_eq!(macs.len(), 50);
    assert!(macs.iter().all(|mac| mac.starts_with("02:") && mac.len() == 17), "{macs:?}");
}
