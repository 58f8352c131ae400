//! `KeyMetadata`, as CreateKey, DescribeKey and ReplicateKey give it.

use keystead_cryptography::key_spec;
use keystead_model::Timestamp;
use keystead_model::arn::{KeyArn, Region};
use keystead_model::kms::{
    ExpirationModelType, KeyManagerType, KeyMetadata, KeySpec, KeyState, MultiRegionConfiguration, MultiRegionKey,
    XksKeyConfiguration,
};

use crate::key::{EffectiveState, Key, KeyOrigin, KeyStatus, MultiRegion};
use crate::key_store::CustomKeyStore;

/// What callers are told at `now` of a key in this state (KMS core digest 2.8, external key stores digest 4.2,
/// CloudHSM key stores digest 3.3). `key_store` is the one that the key is in.
pub(super) fn key_metadata(
    key: &Key,
    state: EffectiveState,
    key_store: Option<&CustomKeyStore>,
    now: Timestamp,
) -> KeyMetadata {
    let key_state = state.key_state();
    let (deletion_date, pending_deletion_window_in_days) = match key.status {
        KeyStatus::PendingDeletion { deletion_date, .. } => (Some(deletion_date), None),
        KeyStatus::PendingReplicaDeletion { pending_window_in_days } => (None, Some(pending_window_in_days.into())),
        KeyStatus::Enabled | KeyStatus::Disabled => (None, None),
    };
    let xks_key_configuration = match &key.origin {
        KeyOrigin::ExternalKeyStore { xks_key_id, .. } => Some(XksKeyConfiguration { id: xks_key_id.clone() }),
        KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::AwsCloudhsm { .. } => None,
    };
    let (expiration_model, valid_to) = expiration(key, now);
    KeyMetadata {
        aws_account_id: key.account,
        key_id: key.id,
        arn: key.arn(),
        creation_date: key.created,
        enabled: key_state == KeyState::Enabled,
        description: key.description.clone(),
        key_usage: key.usage,
        key_state,
        deletion_date,
        valid_to,
        origin: key.origin.origin_type(),
        custom_key_store_id: key.origin.custom_key_store_id().cloned(),
        // The cluster now: all keys of a key store move with it to another one.
        cloud_hsm_cluster_id: key_store
            .and_then(CustomKeyStore::cloud_hsm)
            .map(|cloud_hsm| cloud_hsm.cluster_id.clone()),
        expiration_model,
        key_manager: KeyManagerType::Customer,
        customer_master_key_spec: key.spec,
        key_spec: key.spec,
        encryption_algorithms: unless_empty(key_spec::encryption_algorithms(key.spec, key.usage)),
        signing_algorithms: unless_empty(key_spec::signing_algorithms(key.spec, key.usage)),
        key_agreement_algorithms: unless_empty(key_spec::key_agreement_algorithms(key.spec, key.usage)),
        multi_region: key.multi_region.is_some(),
        multi_region_configuration: key.multi_region.as_ref().map(|set| multi_region_configuration(key, set)),
        pending_deletion_window_in_days,
        mac_algorithms: unless_empty(key_spec::mac_algorithms(key.spec, key.usage)),
        xks_key_configuration,
        current_key_material_id: current_key_material_id(key, state),
    }
}

/// A list of algorithms as answers have it: none instead of an empty one.
pub(super) fn unless_empty<T: Copy>(algorithms: &[T]) -> Option<Vec<T>> {
    (!algorithms.is_empty()).then(|| algorithms.to_vec())
}

/// Of symmetric encryption keys of origin AWS_KMS and EXTERNAL; a replica that is being made has none yet.
fn current_key_material_id(key: &Key, state: EffectiveState) -> Option<String> {
    let shown = key.spec == KeySpec::SymmetricDefault
        && matches!(key.origin, KeyOrigin::AwsKms | KeyOrigin::External)
        && state != EffectiveState::Creating;
    key.current_material().filter(|_| shown).map(|material| material.id.to_string())
}

/// Of imported material that is there: the key expires as soon as one of its materials does.
fn expiration(key: &Key, now: Timestamp) -> (Option<ExpirationModelType>, Option<Timestamp>) {
    let held = || key.materials.iter().filter(|material| material.is_usable(now) && material.state.is_permanent());
    let valid_to = held().filter_map(|material| material.import.as_ref()?.valid_to).min();
    let model = match valid_to {
        Some(_) => ExpirationModelType::KeyMaterialExpires,
        None => ExpirationModelType::KeyMaterialDoesNotExpire,
    };
    let imported = held().any(|material| material.import.is_some());
    (imported.then_some(model), valid_to)
}

fn multi_region_configuration(key: &Key, set: &MultiRegion) -> MultiRegionConfiguration {
    let of = |region: &Region| MultiRegionKey {
        arn: KeyArn::new(region.clone(), key.account, key.id),
        region: region.clone(),
    };
    MultiRegionConfiguration {
        multi_region_key_type: set.key_type,
        primary_key: of(&set.primary_region),
        replica_keys: set.replica_regions.iter().map(of).collect(),
    }
}
