//! The KMS key as it is stored.

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, KeyArn, KeyId, Region};
use keystead_model::kms::{OriginType, Tag};

use super::MaterialId;
use crate::port::BackingKeyId;
use crate::sealing::Sealed;

/// A symmetric encryption KMS key (`SYMMETRIC_DEFAULT`, `ENCRYPT_DECRYPT`, single-Region).
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it lives in.
    pub region: Region,
    /// Its ID.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// 0..=8192 characters.
    pub description: String,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// What is stored of its state; see [`super::EffectiveState`] for what callers see.
    pub status: KeyStatus,
    /// The key policy document as given, or the default one.
    pub policy: String,
    /// In the order they were added.
    pub tags: Vec<Tag>,
    /// Its material: named here, and held here if KMS holds it.
    pub material: KeyMaterialRecord,
    /// Grows with each update.
    pub revision: u64,
}

impl Key {
    /// Its ARN.
    pub fn arn(&self) -> KeyArn {
        KeyArn::new(self.region.clone(), self.account, self.id)
    }
}

/// Where a key's material comes from (KMS API Reference, OriginType).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyOrigin {
    /// Keystead made the material, and it is all there is.
    AwsKms,
    /// An external key in an external key store encrypts what Keystead's own material has encrypted.
    ExternalKeyStore {
        /// The external key store.
        custom_key_store_id: CustomKeyStoreId,
        /// The external key, as the proxy names it.
        xks_key_id: String,
    },
    /// The HSMs of an AWS CloudHSM key store made the material, and it never leaves them.
    AwsCloudhsm {
        /// The AWS CloudHSM key store.
        custom_key_store_id: CustomKeyStoreId,
        /// The material in the cluster.
        backing_key_id: BackingKeyId,
    },
}

impl KeyOrigin {
    /// The value of the `Origin` member.
    pub fn origin_type(&self) -> OriginType {
        match self {
            Self::AwsKms => OriginType::AwsKms,
            Self::ExternalKeyStore { .. } => OriginType::ExternalKeyStore,
            Self::AwsCloudhsm { .. } => OriginType::AwsCloudhsm,
        }
    }

    /// The custom key store, for keys that are in one.
    pub fn custom_key_store_id(&self) -> Option<&CustomKeyStoreId> {
        match self {
            Self::AwsKms => None,
            Self::ExternalKeyStore { custom_key_store_id, .. } | Self::AwsCloudhsm { custom_key_store_id, .. } => {
                Some(custom_key_store_id)
            }
        }
    }
}

/// The stored part of a key's state. `Unavailable` is never stored: it is computed from the custom key store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyStatus {
    /// Ready for use.
    Enabled,
    /// Switched off by DisableKey, or by CancelKeyDeletion.
    Disabled,
    /// ScheduleKeyDeletion was called.
    PendingDeletion {
        /// When the key will be deleted.
        deletion_date: Timestamp,
        /// The waiting period, 7..=30 days.
        pending_window_in_days: u16,
    },
}

/// Key material at rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyMaterialRecord {
    /// Names the material in ciphertexts.
    pub id: MaterialId,
    /// 32 bytes, sealed for [`crate::sealing::SealedRecord::KeyMaterial`]; `None` for a key whose only material is in HSMs.
    pub sealed: Option<Sealed>,
}
