//! What a rule of a security group lets through: a protocol, ports, and who is at the other end.

use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::NetworkError;

/// An IP protocol, or all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IpProtocol {
    /// `-1`.
    All,
    /// Its number (IANA).
    Number(u8),
}

/// Protocols that have names (EC2 API Reference, IpPermission, `IpProtocol`).
const NAMES: [(&str, u8); 4] = [("tcp", 6), ("udp", 17), ("icmp", 1), ("icmpv6", 58)];

impl IpProtocol {
    /// TCP.
    pub const TCP: Self = Self::Number(6);
    const UDP: Self = Self::Number(17);
    const ICMP: Self = Self::Number(1);
    const ICMPV6: Self = Self::Number(58);

    /// Reads `-1`, `tcp`, `udp`, `icmp`, `icmpv6`, or a number up to 255.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "-1" || text.eq_ignore_ascii_case("all") {
            return Some(Self::All);
        }
        let named = NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|&(_, number)| number);
        named.or_else(|| text.parse().ok()).map(Self::Number)
    }
}

/// As EC2 writes it: a name if it has one, else a number.
impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("-1"),
            Self::Number(number) => match NAMES.iter().find(|(_, named)| named == number) {
                Some((name, _)) => f.write_str(name),
                None => number.fmt(f),
            },
        }
    }
}

impl Serialize for IpProtocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpProtocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no IP protocol"))
    }
}

/// Who is at the other end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Peer {
    /// Hosts with an address of this block.
    CidrIpv4(Ipv4Net),
    /// Network interfaces in the security group of this ID.
    SecurityGroup(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CidrIpv4(block) => block.fmt(f),
            Self::SecurityGroup(id) => f.write_str(id),
        }
    }
}

/// A protocol with its ports, well formed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Traffic {
    /// The protocol.
    pub protocol: IpProtocol,
    /// First and last port of TCP and UDP; type and code of ICMP, where -1 is any. `None` for other protocols, and for all of them.
    pub ports: Option<(i32, i32)>,
}

impl Traffic {
    /// Everything.
    pub const ALL: Self = Self { protocol: IpProtocol::All, ports: None };

    /// TCP to the ports from `first` to `last`.
    pub const fn tcp(first: u16, last: u16) -> Self {
        Self { protocol: IpProtocol::TCP, ports: Some((first as i32, last as i32)) }
    }

    /// Checks what a request asks for. Ports of protocols without ports are dropped, as AWS does it.
    ///
    /// Fails with `InvalidPermission.Malformed` or `InvalidParameterValue`.
    pub fn new(protocol: IpProtocol, from_port: Option<i32>, to_port: Option<i32>) -> Result<Self, NetworkError> {
        match protocol {
            IpProtocol::TCP | IpProtocol::UDP => Self::with_ports(protocol, from_port, to_port),
            IpProtocol::ICMP | IpProtocol::ICMPV6 => Self::with_type_and_code(protocol, from_port, to_port),
            IpProtocol::All | IpProtocol::Number(_) => Ok(Self { protocol, ports: None }),
        }
    }

    fn with_ports(protocol: IpProtocol, from: Option<i32>, to: Option<i32>) -> Result<Self, NetworkError> {
        let (Some(from), Some(to)) = (from, to) else {
            return Err(NetworkError::PermissionMalformed(format!(
                "A rule for {protocol} needs both FromPort and ToPort, from 0 to 65535."
            )));
        };
        for (parameter, port) in [("fromPort", from), ("toPort", to)] {
            if !(0..=65535).contains(&port) {
                let reason = "TCP and UDP ports are from 0 to 65535.";
                return Err(NetworkError::invalid_value(parameter, port.to_string(), reason));
            }
        }
        if from > to {
            return Err(NetworkError::PermissionMalformed(format!(
                "Invalid port range: FromPort {from} is greater than ToPort {to}."
            )));
        }
        Ok(Self { protocol, ports: Some((from, to)) })
    }

    fn with_type_and_code(protocol: IpProtocol, from: Option<i32>, to: Option<i32>) -> Result<Self, NetworkError> {
        let (kind, code) = (from.unwrap_or(-1), to.unwrap_or(-1));
        for (parameter, value) in [("fromPort", kind), ("toPort", code)] {
            if !(-1..=255).contains(&value) {
                let reason = "ICMP types and codes are from 0 to 255, or -1 for all.";
                return Err(NetworkError::invalid_value(parameter, value.to_string(), reason));
            }
        }
        if kind == -1 && code != -1 {
            return Err(NetworkError::PermissionMalformed(
                "All ICMP types have all codes: ToPort must be -1.".to_owned(),
            ));
        }
        Ok(Self { protocol, ports: Some((kind, code)) })
    }

    /// Whether TCP to that port is among it.
    pub fn includes_tcp_port(&self, port: u16) -> bool {
        match (self.protocol, self.ports) {
            (IpProtocol::All, _) => true,
            (IpProtocol::TCP, Some((first, last))) => (first..=last).contains(&i32::from(port)),
            _ => false,
        }
    }
}

/// A rule without an identity.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Permission {
    /// What is let through.
    pub traffic: Traffic,
    /// From whom, or to whom.
    pub peer: Peer,
}

/// As messages of EC2 write it.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer: {}, ", self.peer)?;
        match self.traffic.protocol {
            IpProtocol::All => f.write_str("ALL, ")?,
            protocol => write!(f, "{}, ", protocol.to_string().to_uppercase())?,
        }
        if let Some((from, to)) = self.traffic.ports {
            write!(f, "from port: {from}, to port: {to}, ")?;
        }
        f.write_str("ALLOW")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn protocols_as_ec2_writes_them() {
        for (text, written) in
            [("-1", "-1"), ("tcp", "tcp"), ("6", "tcp"), ("TCP", "tcp"), ("17", "udp"), ("1", "icmp"), ("50", "50")]
        {
            assert_eq!(IpProtocol::parse(text).unwrap().to_string(), written, "{text}");
        }
        for text in ["", "256", "-2", "tls", "6 "] {
            assert_eq!(IpProtocol::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ports_that_make_no_sense() {
        for (protocol, from, to, code) in [
            ("tcp", None, None, "InvalidPermission.Malformed"),
            ("tcp", Some(1), None, "InvalidPermission.Malformed"),
            ("udp", Some(2), Some(1), "InvalidPermission.Malformed"),
            ("tcp", Some(-1), Some(1), "InvalidParameterValue"),
            ("tcp", Some(0), Some(65536), "InvalidParameterValue"),
            ("icmp", Some(256), Some(0), "InvalidParameterValue"),
            ("icmp", Some(-1), Some(0), "InvalidPermission.Malformed"),
        ] {
            let error = Traffic::new(IpProtocol::parse(protocol).unwrap(), from, to).unwrap_err();
            assert_eq!(error.code(), code, "{protocol} {from:?} {to:?}");
        }
    }

    #[test]
    fn which_rules_include_a_port() {
        let number = |number| IpProtocol::Number(number);
        for (protocol, from, to, expected) in [
            (IpProtocol::All, None, None, true),
            (IpProtocol::TCP, Some(2223), Some(2225), true),
            (IpProtocol::TCP, Some(2224), Some(2224), true),
            (IpProtocol::TCP, Some(0), Some(65535), true),
            (IpProtocol::TCP, Some(2225), Some(2225), false),
            (number(17), Some(2223), Some(2225), false),
            (number(1), None, None, false),
            (number(50), None, None, false),
        ] {
            let traffic = Traffic::new(protocol, from, to).unwrap();
            assert_eq!(traffic.includes_tcp_port(2224), expected, "{traffic:?}");
        }
    }
}
