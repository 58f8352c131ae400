//! The resource quotas of the KMS Developer Guide ("Resource quotas"), as data.

/// KMS keys in an account and Region, whatever their state.
pub const KMS_KEYS: u64 = 100_000;
/// Grants of one key.
pub const GRANTS_PER_KEY: u64 = 50_000;
/// Rotations on demand of one key.
pub const ON_DEMAND_ROTATIONS_PER_KEY: u32 = 25;
/// Aliases of one key.
pub const ALIASES_PER_KEY: u64 = 50;
/// Tags of one key.
pub const TAGS_PER_KEY: usize = 50;
/// Custom key stores in an account and Region, of both kinds and in any state.
pub const CUSTOM_KEY_STORES: u64 = 10;
/// Cryptographic requests a second for all keys of one custom key store together.
pub const CUSTOM_KEY_STORE_REQUESTS_PER_SECOND: u32 = 1800;

/// The message of a `LimitExceededException`. Only the one for aliases is recorded from AWS; the others follow it (unverified).
pub fn exceeded_message(quota_name: &str, quota: u64, current: u64) -> String {
    format!("{quota_name} quota for this account in this region is {quota}, current usage is {current}.")
}
