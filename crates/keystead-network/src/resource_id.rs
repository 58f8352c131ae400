//! The identifiers of EC2 resources: a prefix that tells the type, and 17 hexadecimal digits.

use keystead_core::port::Entropy;

/// A type of resource that a VPC consists of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceType {
    /// The VPC itself.
    Vpc,
    /// A subnet.
    Subnet,
    /// A security group.
    SecurityGroup,
    /// A rule of a security group.
    SecurityGroupRule,
    /// A network interface.
    NetworkInterface,
}

impl ResourceType {
    /// Every type.
    pub const ALL: [Self; 5] =
        [Self::Vpc, Self::Subnet, Self::SecurityGroup, Self::SecurityGroupRule, Self::NetworkInterface];

    /// What its identifiers begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc-",
            Self::Subnet => "subnet-",
            Self::SecurityGroup => "sg-",
            Self::SecurityGroupRule => "sgr-",
            Self::NetworkInterface => "eni-",
        }
    }

    /// Its name where tags are concerned (EC2 API Reference, `ResourceType` of TagSpecification).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::SecurityGroup => "security-group",
            Self::SecurityGroupRule => "security-group-rule",
            Self::NetworkInterface => "network-interface",
        }
    }

    /// A new identifier from 68 random bits.
    pub fn new_id(self, entropy: &dyn Entropy) -> String {
        let mut random = [0; 9];
        entropy.fill(&mut random);
        let mut digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.truncate(17);
        format!("{}{digits}", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use keystead_core::port::SystemEntropy;

    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_17_hexadecimal_digits() {
        for kind in ResourceType::ALL {
            let (one, other) = (kind.new_id(&SystemEntropy), kind.new_id(&SystemEntropy));
            let digits = one.strip_prefix(kind.prefix()).unwrap_or_default();
            assert_eq!(digits.len(), 17, "{one}");
            assert!(digits.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')), "{one}");
            assert_ne!(one, other);
        }
    }
}
