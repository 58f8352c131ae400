//! The operations that are served.

use keystead_query::Parameters;
use keystead_query::Structure;

use super::call::Call;
use super::error::Ec2Error;
use super::{availability_zones, network_interfaces, security_group_rules, security_groups, subnets, tags, vpcs};

macro_rules! operations {
    ($($name:ident => $module:ident::$function:ident,)+) => {
        /// Their names.
        pub(super) const OPERATIONS: &[&str] = &[$(stringify!($name)),+];

        /// Does the operation of that name.
        pub(super) async fn dispatch(
            name: &'static str,
            call: &Call<'_>,
            parameters: Parameters,
        ) -> Result<Structure, Ec2Error> {
            match name {
                $(stringify!($name) => $module::$function(call, parameters).await,)+
                other => Err(Ec2Error::invalid_action(other)),
            }
        }
    };
}

operations! {
    CreateVpc => vpcs::create_vpc,
    DescribeVpcs => vpcs::describe_vpcs,
    DeleteVpc => vpcs::delete_vpc,
    CreateSubnet => subnets::create_subnet,
    DescribeSubnets => subnets::describe_subnets,
    DeleteSubnet => subnets::delete_subnet,
    DescribeAvailabilityZones => availability_zones::describe_availability_zones,
    CreateSecurityGroup => security_groups::create_security_group,
    DescribeSecurityGroups => security_groups::describe_security_groups,
    DeleteSecurityGroup => security_groups::delete_security_group,
    DescribeSecurityGroupRules => security_group_rules::describe_security_group_rules,
    AuthorizeSecurityGroupIngress => security_group_rules::authorize_ingress,
    AuthorizeSecurityGroupEgress => security_group_rules::authorize_egress,
    RevokeSecurityGroupIngress => security_group_rules::revoke_ingress,
    RevokeSecurityGroupEgress => security_group_rules::revoke_egress,
    CreateNetworkInterface => network_interfaces::create_network_interface,
    DescribeNetworkInterfaces => network_interfaces::describe_network_interfaces,
    DeleteNetworkInterface => network_interfaces::delete_network_interface,
    CreateTags => tags::create_tags,
    DeleteTags => tags::delete_tags,
    DescribeTags => tags::describe_tags,
}

/// The operation of that name, if it is served.
pub(super) fn named(name: &str) -> Option<&'static str> {
    OPERATIONS.iter().copied().find(|operation| *operation == name)
}
