//! Which requests come through a VPC endpoint: the operator names the networks behind each.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use keystead_core::kms::VpcEndpoint;

/// A VPC endpoint, and from where requests come through it.
#[derive(Clone, Debug)]
pub struct VpcEndpointNetworks {
    /// The endpoint.
    pub endpoint: VpcEndpoint,
    /// The networks of its clients, as the server sees their addresses.
    pub networks: Vec<IpNet>,
}

/// All of them, the most specific networks first.
pub(crate) struct VpcEndpoints(Vec<(IpNet, Arc<VpcEndpoint>)>);

impl VpcEndpoints {
    pub(crate) fn new(endpoints: &[VpcEndpointNetworks]) -> Self {
        let mut networks: Vec<_> = Vec::new();
        for VpcEndpointNetworks { endpoint, networks: of_it } in endpoints {
            let endpoint = Arc::new(endpoint.clone());
            networks.extend(of_it.iter().map(|network| (network.trunc(), endpoint.clone())));
        }
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Self(networks)
    }

    /// The endpoint that an address is behind: that of the most specific network with it. `address` is canonical: an IPv4 client of an IPv6
    /// socket has its IPv4 address.
    pub(crate) fn of(&self, address: IpAddr) -> Option<Arc<VpcEndpoint>> {
        let (_, endpoint) = self.0.iter().find(|(network, _)| network.contains(&address))?;
        Some(endpoint.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn endpoint(id: &str, networks: &[&str]) -> VpcEndpointNetworks {
        VpcEndpointNetworks {
            endpoint: VpcEndpoint { vpc_endpoint_id: id.to_owned(), vpc_id: "vpc-1".to_owned() },
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn the_most_specific_network_wins() {
        let endpoints = VpcEndpoints::new(&[
            endpoint("vpce-1", &["10.0.0.0/8", "10.1.2.0/24"]),
            endpoint("vpce-2", &["10.1.0.0/16", "10.1.2.3/32", "fd00::/8"]),
            endpoint("vpce-3", &["10.200.7.7/9"]),
        ]);
        for (address, id) in [
            ("10.2.0.1", Some("vpce-1")),
            ("10.1.9.9", Some("vpce-2")),
            ("10.1.2.4", Some("vpce-1")),
            ("10.1.2.3", Some("vpce-2")),
            ("10.128.0.1", Some("vpce-3")),
            ("fd12::1", Some("vpce-2")),
            ("192.0.2.1", None),
            ("2001:db8::1", None),
        ] {
            let found = endpoints.of(address.parse().unwrap());
            assert_eq!(found.as_ref().map(|endpoint| endpoint.vpc_endpoint_id.as_str()), id, "{address}");
        }
        assert!(VpcEndpoints::new(&[]).of("10.0.0.1".parse().unwrap()).is_none());
    }
}
