//! Where this server may call: names that are fully qualified, addresses that are public unless the operator says more.
//!
//! Whoever may create a key store chooses the host that KMS calls, so the address behind the name is checked, and the
//! very address that was checked is the one connected to. Sources: XKS Proxy API specification ("must be a fully
//! qualified domain name"), IANA IPv4 Special-Purpose Address Registry.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use keystead_core::key_store::is_fully_qualified_domain_name;

/// IPv4 networks that are not the public Internet.
const NOT_PUBLIC: [(Ipv4Net, &str); 15] = [
    net(0, 0, 0, 0, 8, "this network, unspecified"),
    net(10, 0, 0, 0, 8, "private"),
    net(100, 64, 0, 0, 10, "carrier-grade NAT"),
    net(127, 0, 0, 0, 8, "loopback"),
    net(169, 254, 0, 0, 16, "link-local, instance metadata"),
    net(172, 16, 0, 0, 12, "private"),
    net(192, 0, 0, 0, 24, "protocol assignments"),
    net(192, 0, 2, 0, 24, "documentation"),
    net(192, 88, 99, 0, 24, "6to4 relay"),
    net(192, 168, 0, 0, 16, "private"),
    net(198, 18, 0, 0, 15, "benchmarks"),
    net(198, 51, 100, 0, 24, "documentation"),
    net(203, 0, 113, 0, 24, "documentation"),
    net(224, 0, 0, 0, 4, "multicast"),
    net(240, 0, 0, 0, 4, "reserved, broadcast"),
];

const fn net(a: u8, b: u8, c: u8, d: u8, bits: u8, what: &'static str) -> (Ipv4Net, &'static str) {
    (Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits), what)
}

/// Why a host or address may not be called. For the log; the caller of KMS learns the failure's kind alone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotAllowed {
    #[error("the endpoint's host is not a fully qualified domain name")]
    HostName,
    #[error("{address} is not a public address ({what}); allow its network in the configuration if that is meant")]
    Address { address: Ipv4Addr, what: &'static str },
}

/// Takes a fully qualified domain name, by the rule that the API has for endpoints. So every spelling of an IP address is
/// refused, also those that only a resolver understands.
pub(crate) fn check_host(host: &str) -> Result<(), NotAllowed> {
    if is_fully_qualified_domain_name(host) { Ok(()) } else { Err(NotAllowed::HostName) }
}

/// Takes a public address, or one in a network that the operator allows.
pub(crate) fn check_address(address: Ipv4Addr, allowed: &[IpNet]) -> Result<(), NotAllowed> {
    if allowed.iter().any(|net| net.contains(&IpAddr::V4(address))) {
        return Ok(());
    }
    match NOT_PUBLIC.iter().find(|(net, _)| net.contains(&address)) {
        Some((_, what)) => Err(NotAllowed::Address { address, what }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = format!("{}example.com", "a.".repeat(122));
        let table = [
            ("xks.example.com", true),
            ("XKS.Example.COM", true),
            ("a.b", true),
            ("xn--bcher-kva.example", true),
            ("1.2.3.com", true),
            ("", false),
            (".", false),
            ("example", false),
            ("localhost", false),
            ("a.localhost", false),
            ("a.LocalHost", false),
            ("example.com.", false),
            (".example.com", false),
            ("a..example.com", false),
            ("-a.example.com", false),
            ("a-.example.com", false),
            ("a_b.example.com", false),
            ("127.0.0.1", false),
            ("127.1", false),
            ("2130706433", false),
            ("0x7f.1", false),
            ("127.0.0.0x1", false),
            ("0177.0.0.01", false),
            ("[::1]", false),
            ("user@example.com", false),
            ("example.com:8443", false),
            ("exa mple.com", false),
            ("b\u{fc}cher.example", false),
            (&long_label, false),
            (&long_name, false),
        ];
        for (host, allowed) in table {
            assert_eq!(check_host(host).is_ok(), allowed, "{host:?}");
        }
    }

    #[test]
    fn addresses() {
        let table = [
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("10.0.0.1", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.253.255.255", true),
            ("169.254.169.254", false),
            ("172.15.255.255", true),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.8", false),
            ("192.0.1.1", true),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.0.1", false),
            ("192.169.0.0", true),
            ("198.17.255.255", true),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.9", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
        ];
        for (address, allowed) in table {
            let address: Ipv4Addr = address.parse().unwrap();
            assert_eq!(check_address(address, &[]).is_ok(), allowed, "{address}");
        }
    }

    #[test]
    fn a_network_that_the_operator_allows() {
        let allowed = ["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()];
        let table = [("10.1.2.3", true), ("10.2.0.1", false), ("127.0.0.1", false)];
        for (address, expected) in table {
            let address: Ipv4Addr = address.parse().unwrap();
            assert_eq!(check_address(address, &allowed).is_ok(), expected);
        }
    }
}
