//! What can be wrong with a change of a network, and what EC2 answers then: one table.
//!
//! Codes: EC2 API Reference, "Error codes for the Amazon EC2 API". Texts, where AWS documents none, are as the service gives them
//! (unverified).

use keystead_core::port::{AttachNetworkError, StoreError};

use crate::quota::Quota;
use crate::resource_id::ResourceType;

/// Why a network is not changed, or not told.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// There is no VPC of that ID.
    #[error("The vpc ID '{0}' does not exist")]
    VpcNotFound(String),
    /// There is no subnet of that ID.
    #[error("The subnet ID '{0}' does not exist")]
    SubnetNotFound(String),
    /// There is no security group of that ID.
    #[error("The security group '{0}' does not exist")]
    GroupNotFound(String),
    /// There is no security group rule of that ID.
    #[error("The security group rule ID '{0}' does not exist")]
    RuleNotFound(String),
    /// There is no network interface of that ID.
    #[error("The networkInterface ID '{0}' does not exist")]
    NetworkInterfaceNotFound(String),
    /// There is no resource of that ID, whatever its type.
    #[error("The ID '{0}' is not valid")]
    ResourceNotFound(String),
    /// The VPC has a security group of that name.
    #[error("The security group '{name}' already exists for VPC '{vpc_id}'")]
    GroupDuplicate {
        /// The name.
        name: String,
        /// The VPC.
        vpc_id: String,
    },
    /// The name of the default security group is nobody else's.
    #[error("Cannot use reserved security group name: {0}")]
    GroupReserved(String),
    /// The default security group stays as long as its VPC.
    #[error("the specified group: \"{0}\" name: \"default\" cannot be deleted by a user")]
    DefaultGroup(String),
    /// Other resources depend on this one.
    #[error("The {} '{id}' has dependencies and cannot be deleted.", .resource_type.name())]
    DependencyViolation {
        /// What it is.
        resource_type: ResourceType,
        /// Which one.
        id: String,
    },
    /// Every address of the subnet is taken.
    #[error("The specified subnet '{0}' does not have enough free addresses to satisfy the request.")]
    InsufficientFreeAddresses(String),
    /// The CIDR block overlaps one of another subnet.
    #[error("The CIDR '{0}' conflicts with another subnet")]
    SubnetConflict(String),
    /// The CIDR block is not within the VPC's, or is no /16 to /28.
    #[error("The CIDR '{0}' is invalid. A subnet is a /28 to /16 block within its VPC's.")]
    SubnetRange(String),
    /// A VPC cannot have that CIDR block.
    #[error("The CIDR '{0}' is invalid. A VPC is a /28 to /16 block of addresses that hosts may have.")]
    VpcRange(String),
    /// The security group has that rule.
    #[error("the specified rule \"{0}\" already exists")]
    PermissionDuplicate(String),
    /// The security group does not have that rule.
    #[error("The specified rule does not exist in this security group.")]
    PermissionNotFound,
    /// A rule makes no sense.
    #[error("{0}")]
    PermissionMalformed(String),
    /// Another network interface has that address.
    #[error("The address {0} is already in use.")]
    AddressInUse(std::net::Ipv4Addr),
    /// An AWS service manages the network interface.
    #[error(
        "Network interface '{0}' is currently in use. It is managed by a service, which deletes it when it needs it no longer."
    )]
    NetworkInterfaceInUse(String),
    /// A parameter has a value that it may not have.
    #[error("Value ({value}) for parameter {parameter} is invalid. {reason}")]
    InvalidParameterValue {
        /// The parameter, its first letter in lower case, as EC2 writes it in messages.
        parameter: String,
        /// The value.
        value: String,
        /// What it should be.
        reason: String,
    },
    /// The operation has no filter of that name.
    #[error("The filter '{0}' is invalid")]
    InvalidFilter(String),
    /// A request was sent again with the same client token, and is another one.
    #[error("The client token '{0}' was used before, with other parameters.")]
    IdempotentParameterMismatch(String),
    /// A parameter is required.
    #[error("The request must contain the parameter {0}")]
    MissingParameter(String),
    /// Parameters do not go together.
    #[error("{0}")]
    InvalidParameterCombination(String),
    /// There are as many as there may be.
    #[error("The maximum number of {} has been reached: {}.", .0.what(), .0.max())]
    QuotaExceeded(Quota),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Codes with statuses that are not 400.
const INTERNAL_ERROR: (&str, u16) = ("InternalError", 500);
const UNAVAILABLE: (&str, u16) = ("Unavailable", 503);

impl NetworkError {
    /// A value that a parameter may not have.
    pub fn invalid_value(parameter: &str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidParameterValue { parameter: parameter.to_owned(), value: value.into(), reason: reason.into() }
    }

    /// There is no resource of that type and ID.
    pub fn not_found(resource_type: ResourceType, id: &str) -> Self {
        let id = id.to_owned();
        match resource_type {
            ResourceType::Vpc => Self::VpcNotFound(id),
            ResourceType::Subnet => Self::SubnetNotFound(id),
            ResourceType::SecurityGroup => Self::GroupNotFound(id),
            ResourceType::SecurityGroupRule => Self::RuleNotFound(id),
            ResourceType::NetworkInterface => Self::NetworkInterfaceNotFound(id),
        }
    }

    /// EC2's error code and HTTP status.
    pub const fn code_and_status(&self) -> (&'static str, u16) {
        let code = match self {
            Self::VpcNotFound(_) => "InvalidVpcID.NotFound",
            Self::SubnetNotFound(_) => "InvalidSubnetID.NotFound",
            Self::GroupNotFound(_) => "InvalidGroup.NotFound",
            Self::RuleNotFound(_) => "InvalidSecurityGroupRuleId.NotFound",
            Self::NetworkInterfaceNotFound(_) => "InvalidNetworkInterfaceID.NotFound",
            Self::ResourceNotFound(_) => "InvalidID",
            Self::GroupDuplicate { .. } => "InvalidGroup.Duplicate",
            Self::GroupReserved(_) => "InvalidGroup.Reserved",
            Self::DefaultGroup(_) => "CannotDelete",
            Self::DependencyViolation { .. } => "DependencyViolation",
            Self::InsufficientFreeAddresses(_) => "InsufficientFreeAddressesInSubnet",
            Self::SubnetConflict(_) => "InvalidSubnet.Conflict",
            Self::SubnetRange(_) => "InvalidSubnet.Range",
            Self::VpcRange(_) => "InvalidVpc.Range",
            Self::PermissionDuplicate(_) => "InvalidPermission.Duplicate",
            Self::PermissionNotFound => "InvalidPermission.NotFound",
            Self::PermissionMalformed(_) => "InvalidPermission.Malformed",
            Self::AddressInUse(_) => "InvalidIPAddress.InUse",
            // Unverified.
            Self::NetworkInterfaceInUse(_) => "InvalidNetworkInterface.InUse",
            Self::InvalidParameterValue { .. } | Self::InvalidFilter(_) => "InvalidParameterValue",
            Self::IdempotentParameterMismatch(_) => "IdempotentParameterMismatch",
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidParameterCombination(_) => "InvalidParameterCombination",
            Self::QuotaExceeded(quota) => quota.code(),
            // Too many changed the same VPC at once; to try again later helps.
            Self::Store(StoreError::Conflict) => return UNAVAILABLE,
            Self::Store(_) => return INTERNAL_ERROR,
        };
        (code, 400)
    }

    /// EC2's error code.
    pub const fn code(&self) -> &'static str {
        self.code_and_status().0
    }
}

impl From<NetworkError> for AttachNetworkError {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::SubnetNotFound(id) => Self::SubnetNotFound(id),
            NetworkError::InsufficientFreeAddresses(id) => Self::InsufficientFreeAddresses(id),
            NetworkError::Store(error) => Self::Store(error),
            other => Self::Other(other.to_string()),
        }
    }
}
