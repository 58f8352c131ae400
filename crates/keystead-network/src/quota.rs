//! How many of each there may be.
//!
//! Source: Amazon VPC User Guide, "Amazon VPC quotas". AWS begins with 5 VPCs in a Region and raises that to hundreds on request; nobody
//! can be asked here, so it is raised already. What AWS counts for a Region (2,500 security groups, 5,000 network interfaces) is counted
//! for a VPC, which is what changes at once: a fifth of it, as if a Region had its first 5 VPCs.

/// A quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quota {
    /// VPCs in an account and Region.
    Vpcs,
    /// Subnets in a VPC.
    Subnets,
    /// Security groups in a VPC.
    SecurityGroups,
    /// Inbound rules of a security group, and as many outbound ones.
    RulesPerSecurityGroup,
    /// Network interfaces in a VPC.
    NetworkInterfaces,
    /// Security groups of a network interface.
    SecurityGroupsPerNetworkInterface,
    /// Tags of a resource.
    Tags,
}

/// What a quota is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaRow {
    /// The quota.
    pub quota: Quota,
    /// How many there may be.
    pub max: usize,
    /// The error code when it is reached.
    pub code: &'static str,
    /// What is counted, for people.
    pub what: &'static str,
}

macro_rules! rows {
    ($($quota:ident $max:literal $code:literal $what:literal;)+) => {
        /// Every quota.
        pub static QUOTAS: &[QuotaRow] = &[$(QuotaRow { quota: Quota::$quota, max: $max, code: $code, what: $what }),+];

        impl Quota {
            /// How many there may be.
            pub const fn max(self) -> usize {
                match self { $(Self::$quota => $max,)+ }
            }

            /// The error code when it is reached.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$quota => $code,)+ }
            }

            /// What is counted, for people.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$quota => $what,)+ }
            }
        }
    };
}

rows! {
    Vpcs 100 "VpcLimitExceeded" "VPCs in a Region";
    Subnets 200 "SubnetLimitExceeded" "subnets in a VPC";
    SecurityGroups 500 "SecurityGroupLimitExceeded" "security groups in a VPC";
    RulesPerSecurityGroup 60 "RulesPerSecurityGroupLimitExceeded" "rules in each direction of a security group";
    NetworkInterfaces 1000 "NetworkInterfaceLimitExceeded" "network interfaces in a VPC";
    SecurityGroupsPerNetworkInterface 5 "SecurityGroupsPerInterfaceLimitExceeded" "security groups of a network interface";
    Tags 50 "TagLimitExceeded" "tags of a resource";
}
