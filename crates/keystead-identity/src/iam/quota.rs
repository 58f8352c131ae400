//! How much of what there may be.
//!
//! Source: IAM User Guide, "IAM and AWS STS quotas", the defaults.

use crate::error::IdentityError;

/// A quota, as refusals name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Quota {
    name: &'static str,
    pub(crate) value: u64,
}

pub(crate) const USERS: Quota = Quota { name: "UsersPerAccount", value: 5000 };
pub(crate) const GROUPS: Quota = Quota { name: "GroupsPerAccount", value: 300 };
pub(crate) const ROLES: Quota = Quota { name: "RolesPerAccount", value: 1000 };
pub(crate) const POLICIES: Quota = Quota { name: "PoliciesPerAccount", value: 1500 };
/// In characters, white space not counted.
pub(crate) const POLICY_SIZE: Quota = Quota { name: "PolicySize", value: 6144 };
pub(crate) const POLICIES_PER_USER: Quota = Quota { name: "PoliciesPerUser", value: 10 };
pub(crate) const POLICIES_PER_GROUP: Quota = Quota { name: "PoliciesPerGroup", value: 10 };
pub(crate) const POLICIES_PER_ROLE: Quota = Quota { name: "PoliciesPerRole", value: 10 };
pub(crate) const OIDC_PROVIDERS: Quota = Quota { name: "OpenIdConnectProvidersPerAccount", value: 100 };
pub(crate) const CLIENT_IDS: Quota = Quota { name: "ClientIdsPerOpenIdConnectProvider", value: 100 };
pub(crate) const GROUPS_PER_USER: Quota = Quota { name: "GroupsPerUser", value: 10 };
pub(crate) const ACCESS_KEYS: Quota = Quota { name: "AccessKeysPerUser", value: 2 };
/// In characters, white space not counted.
pub(crate) const TRUST_POLICY_SIZE: Quota = Quota { name: "ACLSizePerRole", value: 2048 };

impl Quota {
    /// For what would be more than the quota.
    pub(crate) fn exceeded(self) -> IdentityError {
        IdentityError::limit_exceeded(format!("Cannot exceed quota for {}: {}", self.name, self.value))
    }
}
