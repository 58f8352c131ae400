//! CIDR blocks, as VPCs, subnets and rules have them.

use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use crate::error::NetworkError;

/// The prefix lengths that VPCs and subnets may have (EC2 API Reference, CreateVpc, CreateSubnet).
pub const NETWORK_PREFIX_LENGTHS: RangeInclusive<u8> = 16..=28;

/// Blocks of which no host can have an address, so no VPC either (Amazon VPC User Guide, "VPC CIDR blocks"; RFC 1122, RFC 3927, RFC 5771).
const NOT_FOR_HOSTS: [(u8, u8, u8); 4] = [(0, 0, 8), (127, 0, 8), (169, 254, 16), (224, 0, 3)];

/// Reads `a.b.c.d/n`. Host bits are cleared, as AWS does it.
///
/// Fails with `InvalidParameterValue`.
pub fn parse_cidr_block(parameter: &str, text: &str) -> Result<Ipv4Net, NetworkError> {
    text.parse::<Ipv4Net>()
        .map(|block| block.trunc())
        .map_err(|_| NetworkError::invalid_value(parameter, text, "This is not a valid CIDR block."))
}

/// Whether a network of its size may be made.
pub(crate) fn has_network_size(block: &Ipv4Net) -> bool {
    NETWORK_PREFIX_LENGTHS.contains(&block.prefix_len())
}

/// Whether two blocks have an address in common.
pub(crate) fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}

/// Whether hosts may have the addresses of a block of network size.
pub(crate) fn is_for_hosts(block: &Ipv4Net) -> bool {
    !NOT_FOR_HOSTS.iter().any(|&(first, second, length)| {
        Ipv4Net::new([first, second, 0, 0].into(), length).is_ok_and(|reserved| overlap(&reserved, block))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!(parse_cidr_block("cidrBlock", "100.68.0.18/18").unwrap().to_string(), "100.68.0.0/18");
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in
            ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/16", "::/16", "10.0.0.0/16 ", "10.0.0.256/16", "10.0.0.0/-1"]
        {
            let error = parse_cidr_block("cidrBlock", text).unwrap_err();
            assert_eq!(error.code(), "InvalidParameterValue", "{text}");
        }
    }

    #[test]
    fn blocks_that_hosts_cannot_have() {
        for (text, expected) in [
            ("10.0.0.0/16", true),
            ("192.168.0.0/28", true),
            ("52.0.0.0/16", true),
            ("127.5.0.0/16", false),
            ("169.254.0.0/20", false),
            ("0.1.0.0/16", false),
            ("224.0.0.0/16", false),
            ("255.255.0.0/16", false),
        ] {
            assert_eq!(is_for_hosts(&text.parse().unwrap()), expected, "{text}");
        }
    }
}
