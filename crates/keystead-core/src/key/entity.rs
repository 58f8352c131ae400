//! The KMS key as it is stored.

use std::collections::BTreeMap;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, KeyArn, KeyId, Region};
use keystead_model::kms::{KeySpec, KeyUsageType, MultiRegionKeyType, OriginType, Tag};

use super::{KeyMaterialRecord, MaterialId, MaterialState, RotationSettings};
use crate::port::BackingKeyId;

/// A KMS key.
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
    /// Its type and length.
    pub spec: KeySpec,
    /// What it is for. Never changes.
    pub usage: KeyUsageType,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// Its place among the related keys of other Regions; `None` for a single-Region key.
    pub multi_region: Option<MultiRegion>,
    /// What is stored of its state; see [`super::EffectiveState`] for what callers see.
    pub status: KeyStatus,
    /// What it is passing through, and until when.
    pub transition: Option<Transition>,
    /// The key policy document as given, or the default one.
    pub policy: String,
    /// The unique IDs that the ARNs of users, roles and sessions in the key policy stood for when it was stored. An ARN that is not among them
    /// means whoever has the name: it is of an account elsewhere, or the policy is older than this record.
    pub policy_principals: BTreeMap<String, String>,
    /// In the order they were added.
    pub tags: Vec<Tag>,
    /// Its materials in the order in which they came: named here, and held here if KMS holds them. At most one is current. Empty for a
    /// key of origin EXTERNAL that nothing was imported into.
    pub materials: Vec<KeyMaterialRecord>,
    /// How it rotates.
    pub rotation: RotationSettings,
    /// Grows with each update.
    pub revision: u64,
}

impl Key {
    /// Its ARN.
    pub fn arn(&self) -> KeyArn {
        KeyArn::new(self.region.clone(), self.account, self.id)
    }

    /// The material that encrypts; none before the first import, and none if it was made elsewhere and never here.
    pub fn current_material(&self) -> Option<&KeyMaterialRecord> {
        self.materials.iter().find(|material| material.state == MaterialState::Current)
    }

    /// Whether this material is, or was, the key's current one, so that there may be ciphertexts of it.
    pub fn has_encrypted_with(&self, id: &MaterialId) -> bool {
        self.materials.iter().any(|material| material.id == *id && material.state.is_permanent())
    }

    /// Whether the key waits for material: of origin EXTERNAL, and without any material, or with one that ciphertexts may need and that
    /// was deleted or has expired (KMS Developer Guide, "Importing key material": one that is missing makes the whole key unusable).
    pub fn waits_for_import(&self, now: Timestamp) -> bool {
        self.origin == KeyOrigin::External
            && (self.current_material().is_none()
                || self.materials.iter().any(|material| material.state.is_permanent() && !material.is_usable(now)))
    }

    /// Whether it is the primary key of its multi-Region set.
    pub fn is_multi_region_primary(&self) -> bool {
        self.multi_region.as_ref().is_some_and(|set| set.key_type == MultiRegionKeyType::Primary)
    }

    /// Whether it is a replica key.
    pub fn is_replica(&self) -> bool {
        self.multi_region.as_ref().is_some_and(|set| set.key_type == MultiRegionKeyType::Replica)
    }
}

/// A multi-Region key's place among the keys that share its ID and material (KMS Developer Guide, "Multi-Region keys").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MultiRegion {
    /// What this key is.
    pub key_type: MultiRegionKeyType,
    /// The Region of the primary key: this one's own if it is the primary.
    pub primary_region: Region,
    /// The Regions of all replicas, sorted. Computed by the store from the related keys.
    pub replica_regions: Vec<Region>,
}

impl MultiRegion {
    /// A new primary key, which has no replicas yet.
    pub fn new_primary(region: Region) -> Self {
        Self { key_type: MultiRegionKeyType::Primary, primary_region: region, replica_regions: Vec::new() }
    }

    /// The place of a replica in a Region in which there is none so far.
    pub fn of_new_replica(&self, region: &Region) -> Self {
        let mut replica_regions = self.replica_regions.clone();
        replica_regions.push(region.clone());
        replica_regions.sort();
        Self { key_type: MultiRegionKeyType::Replica, primary_region: self.primary_region.clone(), replica_regions }
    }

    /// The place of the key in `region` once the primary key is the one in `primary_region`, which is a replica's so far.
    pub fn with_primary_in(&self, region: &Region, primary_region: &Region) -> Self {
        let key_type = if region == primary_region { MultiRegionKeyType::Primary } else { MultiRegionKeyType::Replica };
        let regions = std::iter::once(&self.primary_region).chain(&self.replica_regions);
        let mut replica_regions: Vec<Region> = regions.filter(|region| *region != primary_region).cloned().collect();
        replica_regions.sort();
        Self { key_type, primary_region: primary_region.clone(), replica_regions }
    }
}

/// A state that passes by itself (KMS Developer Guide, "Key states": transient states of multi-Region keys).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// What it is.
    pub kind: TransitionKind,
    /// When it is over.
    pub until: Timestamp,
}

/// Which state passes by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransitionKind {
    /// A replica that is being made.
    Creating,
    /// A primary or replica whose primary Region is being changed.
    Updating,
}

/// Where a key's material comes from (KMS API Reference, OriginType).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyOrigin {
    /// Keystead made the material, and it is all there is.
    AwsKms,
    /// The owner imports the material, and Keystead holds it.
    External,
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
            Self::External => OriginType::External,
            Self::ExternalKeyStore { .. } => OriginType::ExternalKeyStore,
            Self::AwsCloudhsm { .. } => OriginType::AwsCloudhsm,
        }
    }

    /// The custom key store, for keys that are in one.
    pub fn custom_key_store_id(&self) -> Option<&CustomKeyStoreId> {
        match self {
            Self::AwsKms | Self::External => None,
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
    /// ScheduleKeyDeletion was called for a primary key that has replicas: its waiting period begins when the last of them is gone.
    PendingReplicaDeletion {
        /// The waiting period, 7..=30 days.
        pending_window_in_days: u16,
    },
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn regions(names: &[&str]) -> Vec<Region> {
        names.iter().map(|name| Region::parse(name).unwrap()).collect()
    }

    #[test]
    fn the_primary_key_moves_within_its_set() {
        let [ireland, london, ohio] = &regions(&["eu-west-1", "eu-west-2", "us-east-2"])[..] else { unreachable!() };
        let primary = MultiRegion::new_primary(ohio.clone());
        let first = primary.of_new_replica(london);
        assert_eq!((first.key_type, &first.primary_region), (MultiRegionKeyType::Replica, ohio));
        let second = first.of_new_replica(ireland);
        assert_eq!(second.replica_regions, regions(&["eu-west-1", "eu-west-2"]));

        let moved = |region| second.with_primary_in(region, london);
        assert_eq!(moved(london).key_type, MultiRegionKeyType::Primary);
        for replica in [ireland, ohio] {
            assert_eq!(moved(replica).key_type, MultiRegionKeyType::Replica);
            assert_eq!(moved(replica).primary_region, *london);
            assert_eq!(moved(replica).replica_regions, regions(&["eu-west-1", "us-east-2"]));
        }
    }
}
