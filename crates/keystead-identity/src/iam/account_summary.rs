//! GetAccountSummary: how much of what an account has, and may have.

use keystead_core::port::IdentityCounts;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::policy_versions::VERSIONS_MAX;
use super::quota;
use crate::error::IdentityError;

/// Where a number comes from.
enum Source {
    /// What the account has.
    Count(fn(&IdentityCounts) -> u64),
    /// A quota, or what is not served here and therefore none.
    Fixed(u64),
}

use Source::{Count, Fixed};

/// Every entry that is documented, by name (IAM API Reference, `summaryKeyType`). The quotas of what is not served are 0 as well.
const SUMMARY: &[(&str, Source)] = &[
    ("AccessKeysPerUserQuota", Fixed(quota::ACCESS_KEYS.value)),
    ("AccountAccessKeysPresent", Count(|counts| u64::from(counts.root_access_keys > 0))),
    ("AccountMFAEnabled", Fixed(0)),
    ("AccountPasswordPresent", Fixed(0)),
    ("AccountSigningCertificatesPresent", Fixed(0)),
    ("AssumeRolePolicySizeQuota", Fixed(quota::TRUST_POLICY_SIZE.value)),
    ("AttachedPoliciesPerGroupQuota", Fixed(quota::POLICIES_PER_GROUP.value)),
    ("AttachedPoliciesPerRoleQuota", Fixed(quota::POLICIES_PER_ROLE.value)),
    ("AttachedPoliciesPerUserQuota", Fixed(quota::POLICIES_PER_USER.value)),
    ("GlobalEndpointTokenVersion", Fixed(1)),
    ("GroupPolicySizeQuota", Fixed(<keystead_core::access::Group as Identity>::INLINE_SIZE_MAX as u64)),
    ("Groups", Count(|counts| counts.groups)),
    ("GroupsPerUserQuota", Fixed(quota::GROUPS_PER_USER.value)),
    ("GroupsQuota", Fixed(quota::GROUPS.value)),
    ("InstanceProfiles", Fixed(0)),
    ("InstanceProfilesQuota", Fixed(0)),
    ("MFADevices", Fixed(0)),
    ("MFADevicesInUse", Fixed(0)),
    ("Policies", Count(|counts| counts.policies)),
    ("PoliciesQuota", Fixed(quota::POLICIES.value)),
    ("PolicySizeQuota", Fixed(quota::POLICY_SIZE.value)),
    ("PolicyVersionsInUse", Count(|counts| counts.policy_versions)),
    ("PolicyVersionsInUseQuota", Fixed(quota::POLICIES.value * VERSIONS_MAX as u64)),
    ("Providers", Count(|counts| counts.oidc_providers)),
    ("RolePolicySizeQuota", Fixed(<keystead_core::access::Role as Identity>::INLINE_SIZE_MAX as u64)),
    ("Roles", Count(|counts| counts.roles)),
    ("RolesQuota", Fixed(quota::ROLES.value)),
    ("ServerCertificates", Fixed(0)),
    ("ServerCertificatesQuota", Fixed(0)),
    ("SigningCertificatesPerUserQuota", Fixed(0)),
    ("UserPolicySizeQuota", Fixed(<keystead_core::access::User as Identity>::INLINE_SIZE_MAX as u64)),
    ("Users", Count(|counts| counts.users)),
    ("UsersQuota", Fixed(quota::USERS.value)),
    ("VersionsPerPolicyQuota", Fixed(VERSIONS_MAX as u64)),
];

/// Tells of the caller's account.
pub(super) async fn get_account_summary(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    parameters.finish()?;
    call.authorize("*")?;
    let counts = call.store().identity_counts(&call.account()).await?;
    let map = SUMMARY.iter().fold(Structure::default(), |map, (name, source)| {
        let value = match source {
            Count(of) => of(&counts),
            Fixed(value) => *value,
        };
        map.with("entry", Structure::default().with("key", *name).with("value", value.to_string()))
    });
    Ok(Some(Structure::default().with("SummaryMap", map)))
}
