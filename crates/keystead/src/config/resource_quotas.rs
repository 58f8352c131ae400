//! `[resource_quotas]`: how many keys, aliases and so on there may be.

use std::ops::RangeInclusive;

use keystead_core::quota::ResourceQuotas;
use serde::Deserialize;

use super::number::{COUNT, Number};

const CUSTOM_KEY_STORES: RangeInclusive<u64> = 1..=10_000;
/// Up to the model's own maximum.
const KEY_POLICY_BYTES: RangeInclusive<u64> = 1..=131_072;

/// `[resource_quotas]`. The defaults are AWS's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResourceQuotasConfig {
    /// KMS keys in an account and Region, in any state. Default 100000.
    pub(crate) kms_keys: u64,
    /// Aliases of one key. Default 50.
    pub(crate) aliases_per_key: u64,
    /// Grants of one key. Default 50000.
    pub(crate) grants_per_key: u64,
    /// Custom key stores in an account and Region, of both kinds and in any state. Default 10.
    pub(crate) custom_key_stores: u64,
    /// Longest key policy, in bytes. Default 32768.
    pub(crate) key_policy_bytes: u64,
}

impl Default for ResourceQuotasConfig {
    fn default() -> Self {
        let ResourceQuotas { kms_keys, aliases_per_key, grants_per_key, custom_key_stores, key_policy_bytes } =
            ResourceQuotas::default();
        Self { kms_keys, aliases_per_key, grants_per_key, custom_key_stores, key_policy_bytes: key_policy_bytes as u64 }
    }
}

impl ResourceQuotasConfig {
    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [
            Number::new("resource_quotas.kms_keys", self.kms_keys, COUNT),
            Number::new("resource_quotas.aliases_per_key", self.aliases_per_key, COUNT),
            Number::new("resource_quotas.grants_per_key", self.grants_per_key, COUNT),
            Number::new("resource_quotas.custom_key_stores", self.custom_key_stores, CUSTOM_KEY_STORES),
            Number::new("resource_quotas.key_policy_bytes", self.key_policy_bytes, KEY_POLICY_BYTES),
        ]
    }

    /// What the core is to know.
    pub(super) fn quotas(&self) -> ResourceQuotas {
        ResourceQuotas {
            kms_keys: self.kms_keys,
            aliases_per_key: self.aliases_per_key,
            grants_per_key: self.grants_per_key,
            custom_key_stores: self.custom_key_stores,
            key_policy_bytes: usize::try_from(self.key_policy_bytes).unwrap_or(usize::MAX),
        }
    }
}
