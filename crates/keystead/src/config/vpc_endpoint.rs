//! `[[vpc_endpoint]]`: the networks whose requests come through a VPC endpoint, so that policies can speak of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use keystead_core::kms::VpcEndpoint;
use keystead_server::VpcEndpointNetworks;
use serde::Deserialize;

/// Length of what follows the prefix of an ID, in hexadecimal digits: in the older form and in the one of today.
const ID_LENGTHS: [usize; 2] = [8, 17];

/// One `[[vpc_endpoint]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VpcEndpointConfig {
    /// `aws:SourceVpce` of requests from its networks, such as `vpce-1a2b3c4d5e6f70819`.
    pub(crate) id: String,
    /// `aws:SourceVpc` of them, such as `vpc-1a2b3c4d5e6f70819`.
    pub(crate) vpc: String,
    /// The addresses that they come from, as the server sees them. The most specific network decides.
    pub(crate) networks: Vec<IpNet>,
}

impl VpcEndpointConfig {
    /// What the front end is to know.
    pub(super) fn networks(&self) -> VpcEndpointNetworks {
        VpcEndpointNetworks {
            endpoint: VpcEndpoint { vpc_endpoint_id: self.id.clone(), vpc_id: self.vpc.clone() },
            networks: self.networks.clone(),
        }
    }

    fn check(&self) -> Result<(), String> {
        for (key, prefix, id) in [("id", "vpce-", &self.id), ("vpc", "vpc-", &self.vpc)] {
            if !is_id(prefix, id) {
                return Err(format!(
                    "vpc_endpoint.{key}: \"{id}\" is none: it is {prefix} and 17 (or 8) hexadecimal digits in lower case"
                ));
            }
        }
        if self.networks.is_empty() {
            return Err(format!("vpc_endpoint.networks: {} has none; name the networks of its clients", self.id));
        }
        self.networks.iter().try_for_each(check_network)
    }
}

/// Refuses endpoints of which nobody could tell which one a request came through.
pub(super) fn check(endpoints: &[VpcEndpointConfig]) -> Result<(), String> {
    let (mut ids, mut networks) = (BTreeSet::new(), BTreeMap::new());
    for endpoint in endpoints {
        endpoint.check()?;
        let id = &endpoint.id;
        if !ids.insert(id) {
            return Err(format!(
                "vpc_endpoint.id: \"{id}\" is named twice; give all its networks in one [[vpc_endpoint]]"
            ));
        }
        for network in &endpoint.networks {
            if let Some(other) = networks.insert(network.trunc(), id) {
                return Err(format!(
                    "vpc_endpoint.networks: {} is named twice, by {other} and by {id}; a network is behind one endpoint, and \
                     of networks in one another the smaller one decides",
                    network.trunc()
                ));
            }
        }
    }
    Ok(())
}

/// An IPv4 client has its IPv4 address, however it came.
fn check_network(network: &IpNet) -> Result<(), String> {
    match network.addr() {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => Err(format!(
            "vpc_endpoint.networks: {network} maps IPv4 addresses; write it as a network of IPv4, such as 10.0.0.0/8"
        )),
        IpAddr::V4(_) | IpAddr::V6(_) => Ok(()),
    }
}

fn is_id(prefix: &str, id: &str) -> bool {
    let Some(digits) = id.strip_prefix(prefix) else { return false };
    ID_LENGTHS.contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::smallest;

    fn endpoint(id: &str, vpc: &str, networks: &[&str]) -> VpcEndpointConfig {
        let networks = networks.iter().filter_map(|network| network.parse().ok()).collect();
        VpcEndpointConfig { id: id.to_owned(), vpc: vpc.to_owned(), networks }
    }

    #[test]
    fn the_front_end_hears_of_them() {
        let text =
            "[[vpc_endpoint]]\nid = 'vpce-1a2b3c4d'\nvpc = 'vpc-1a2b3c4d'\nnetworks = ['10.0.0.0/8', 'fd00::/8']\n";
        let server = smallest::with(text).unwrap().server();
        assert_eq!(server.vpc_endpoints.len(), 1);
        assert_eq!(server.vpc_endpoints[0].endpoint.vpc_id, "vpc-1a2b3c4d");
        assert_eq!(server.vpc_endpoints[0].networks.len(), 2);
        assert!(smallest::with("").unwrap().server().vpc_endpoints.is_empty());
    }

    #[test]
    fn a_configuration_with_a_wrong_one_is_refused() {
        smallest::refuses(&[
            ("[[vpc_endpoint]]\nid = 'vpce-1a2b3c4d'\nvpc = 'vpc-1a2b3c4d'\n", "networks"),
            (
                "[[vpc_endpoint]]\nid = 'vpce-1'\nvpc = 'vpc-1a2b3c4d'\nnetworks = ['10.0.0.0/8']\n",
                "vpc_endpoint.id: \"vpce-1\"",
            ),
        ]);
    }

    #[test]
    fn networks_in_one_another_are_fine() {
        let endpoints = [
            endpoint("vpce-1a2b3c4d", "vpc-1a2b3c4d", &["10.0.0.0/8", "fd00::/8"]),
            endpoint("vpce-1a2b3c4d5e6f70819", "vpc-1a2b3c4d", &["10.1.0.0/16"]),
        ];
        assert_eq!(check(&endpoints), Ok(()));
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(endpoints[0].networks().endpoint.vpc_endpoint_id, "vpce-1a2b3c4d");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = || endpoint("vpce-1a2b3c4d", "vpc-1a2b3c4d", &["10.0.0.0/8"]);
        let other = |networks| endpoint("vpce-00000000", "vpc-1a2b3c4d", networks);
        for (endpoints, named) in [
            (vec![endpoint("vpc-1a2b3c4d", "vpc-1a2b3c4d", &["10.0.0.0/8"])], "vpc_endpoint.id: \"vpc-1a2b3c4d\""),
            (vec![endpoint("vpce-1A2B3C4D", "vpc-1a2b3c4d", &["10.0.0.0/8"])], "vpc_endpoint.id"),
            (vec![endpoint("vpce-1a2b3c4d", "vpc-1", &["10.0.0.0/8"])], "vpc_endpoint.vpc: \"vpc-1\""),
            (vec![other(&[])], "vpce-00000000 has none"),
            (vec![other(&["::ffff:10.0.0.0/104"])], "::ffff:10.0.0.0/104"),
            (vec![good(), good()], "named twice"),
            (vec![good(), other(&["10.9.9.9/8"])], "10.0.0.0/8 is named twice, by vpce-1a2b3c4d and by vpce-00000000"),
            (vec![other(&["10.0.0.0/8", "10.0.0.0/8"])], "named twice"),
        ] {
            let refused = check(&endpoints);
            assert!(refused.as_ref().is_err_and(|message| message.contains(named)), "{refused:?}");
        }
    }
}
