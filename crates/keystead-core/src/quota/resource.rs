//! Resource quotas (KMS Developer Guide, "Resource quotas").

/// How many there may be of what an operator may set a quota for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResourceQuotas {
    /// KMS keys in an account and Region, whatever their state.
    pub kms_keys: u64,
    /// Aliases of one key.
    pub aliases_per_key: u64,
    /// Grants of one key.
    pub grants_per_key: u64,
    /// Custom key stores in an account and Region, of both kinds and in any state.
    pub custom_key_stores: u64,
    /// Bytes of a key policy.
    pub key_policy_bytes: usize,
}

impl Default for ResourceQuotas {
    /// The documented ones.
    fn default() -> Self {
        Self {
            kms_keys: 100_000,
            aliases_per_key: 50,
            grants_per_key: 50_000,
            custom_key_stores: 10,
            key_policy_bytes: 32_768,
        }
    }
}

/// Rotations on demand of one key.
pub const ON_DEMAND_ROTATIONS_PER_KEY: u32 = 25;
/// Tags of one key.
pub const TAGS_PER_KEY: usize = 50;

/// The message of a `LimitExceededException`. Only the one for aliases is recorded from AWS; the others follow it (unverified).
pub fn exceeded_message(quota_name: &str, quota: u64, current: u64) -> String {
    format!("{quota_name} quota for this account in this region is {quota}, current usage is {current}.")
}
